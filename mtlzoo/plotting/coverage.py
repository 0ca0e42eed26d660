"""How right answers are if only the surest are given, a small chart for each head."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlzoo.plotting import style

if TYPE_CHECKING:
    import pandas as pd

    from mtlzoo.evaluation.predictions import Labelled, Predictions

COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 4, 2.3, 1.6  # inches
MARGIN, HEADER, LEFT, BELOW, ABOVE = 0.15, 0.55, 0.65, 0.5, 0.32
FIRST_ROWS = 10  # before as many the accuracy jumps


def plot_coverage(
    predictions: Predictions,
    path: str | os.PathLike[str] | None = None,
    table: Labelled | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw the accuracy of the surest answers against how many rows get one, for each head with classes or tags.

    The point is where the model says "not sure" now, see :func:`mtlzoo.abstain`; the line across is the accuracy of all.

    Args:
        predictions: What a model says of some images.
        path: Where to save the figure as PNG. Default: not saved.
        table: Their labels; by default those of the table that was predicted.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        OutputError: `path` exists and is not to be replaced.
        ValueError: There are no labels for any such head.

    Example:

    ```python
    predictions = mtl.evaluation.Predictions.from_model(model, valid)
    figure = mtl.plotting.plot_coverage(predictions)
    ```
    """
    from mtlzoo.evaluation.abstaining import coverage_curves  # loads Keras, which loads pyplot

    curves = {name: curve for name, curve in coverage_curves(predictions, table).items() if len(curve)}
    if not curves:
        raise ValueError("Expected labels for at least one head with classes or tags, received none.")
    columns = min(COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    cell = LEFT + PANEL_WIDTH, ABOVE + PANEL_HEIGHT + BELOW
    width, height = MARGIN * 2 + columns * cell[0], HEADER + rows * cell[1]
    figure = style.new_figure(width, height)
    canvas = style.add_canvas(figure)
    style.write(canvas, MARGIN, height - 0.3, "Coverage and accuracy", style.TITLE_SIZE, weight="bold")
    for number, (name, curve) in enumerate(curves.items()):
        left = MARGIN + (number % columns) * cell[0] + LEFT
        bottom = height - HEADER - (number // columns + 1) * cell[1] + BELOW
        axes = style.add_axes(figure, left, bottom, PANEL_WIDTH - 0.1, PANEL_HEIGHT)
        decision = predictions.decisions.get(name)
        _draw_curve(axes, curve, None if decision is None else decision.confidence)
        shown = style.shorten(name, PANEL_WIDTH - 0.1, weight="bold")
        style.write(canvas, left, bottom + PANEL_HEIGHT + 0.14, shown, weight="bold")
    return style.finish(figure, path, overwrite)


def _draw_curve(axes: Axes, curve: pd.DataFrame, confidence: float | None) -> None:
    style.style_axes(axes)
    rows = round(1 / curve["coverage"].diff().fillna(curve["coverage"]).min())
    drawn = curve[curve["coverage"] * rows >= min(FIRST_ROWS, rows) - 0.5]
    axes.axhline(curve["accuracy"].iloc[-1], color=style.MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.plot(drawn["coverage"], drawn["accuracy"], color=style.BLUE, linewidth=1.8, zorder=2)
    given = curve[curve["confidence"] >= (confidence or 0.0)]
    if confidence and len(given):
        at = given.iloc[-1]
        axes.plot([at["coverage"]], [at["accuracy"]], "o", color=style.ORANGE, markersize=5, zorder=3)
    low = min(float(np.min(drawn["accuracy"])), 0.99)
    axes.set(xlim=(0, 1.02), ylim=(low - 0.08 * (1 - low), 1 + 0.06 * (1 - low)))
    axes.set_xticks([0, 0.5, 1])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}" if value <= 1 else "")
    axes.set_xlabel("rows with an answer", size=style.SMALL_SIZE, color=style.MUTED, labelpad=2)
    axes.set_ylabel("of them right", size=style.SMALL_SIZE, color=style.MUTED)
