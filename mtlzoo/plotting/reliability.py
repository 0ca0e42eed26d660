"""How often predictions are right, by the probability that they are given with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlzoo.plotting import style

if TYPE_CHECKING:
    from mtlzoo.evaluation import Predictions

SIDE, GAP, ROW, COLUMNS = 1.75, 0.62, 2.75, 5  # inches, and heads side by side
TOP, LEFT, BELOW = 1.35, 0.62, 0.62
FEW = 5  # rows of a point that no line leads to


def plot_reliability(
    predictions: Predictions,
    before: Predictions | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw for each head how often predictions are right, by the probability that they are given with.

    What lies on the diagonal is worth what it says; below it the network is too sure, above it not sure enough. The larger
    a point, the more rows it stands for (DeGroot and Fienberg 1983).

    Args:
        predictions: What a model says of labelled rows.
        before: What it said of them before it was calibrated, drawn in grey.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ValueError: If there are no labels, or no head has probabilities.
        OutputError: If `path` exists and is not to be replaced.

    Example:

    ```python
    from mtlzoo.evaluation import Predictions
    from mtlzoo.plotting import plot_reliability

    figure = plot_reliability(Predictions.from_model(model, valid))
    ```
    """
    from mtlzoo.evaluation import calibration_errors, reliability

    errors, points = calibration_errors(predictions), reliability(predictions)
    if not len(errors):
        raise ValueError("Expected a head with probabilities of classes or tags, received none.")
    earlier = None if before is None else (calibration_errors(before), reliability(before))
    columns = min(COLUMNS, len(errors))
    rows = -(-len(errors) // columns)
    width, height = LEFT + columns * (SIDE + GAP), TOP + (rows - 1) * ROW + SIDE + BELOW
    figure = style.new_figure(max(width, 4.6), height)
    canvas = style.add_canvas(figure)
    style.write(canvas, 0.15, height - 0.28, "Are probabilities worth what they say?", style.TITLE_SIZE, weight="bold")
    _write_key(canvas, height - 0.58, earlier is not None)
    for place, name in enumerate(errors.index):
        row, column = divmod(place, columns)
        x, y = LEFT + column * (SIDE + GAP), height - TOP - SIDE - row * ROW
        axes = style.add_axes(figure, x, y, SIDE, SIDE)
        _prepare(axes)
        said = f"{errors.loc[name, 'ece']:.3f}"
        if earlier is not None:
            _draw(axes, earlier[1][earlier[1]["head"] == name], style.HATCH)
            said = f"{earlier[0].loc[name, 'ece']:.3f} to {said}"
        _draw(axes, points[points["head"] == name], style.BLUE)
        style.write(canvas, x, y + SIDE + 0.3, style.shorten(str(name), SIDE + 0.3), weight="bold")
        style.write(canvas, x, y + SIDE + 0.12, f"error {said}", style.SMALL_SIZE, style.MUTED)
        if not column:
            how: dict[str, Any] = {"rotation": 90, "ha": "center"}
            style.write(canvas, 0.18, y + SIDE / 2, "fraction right", style.SMALL_SIZE, style.MUTED, **how)
        if place + columns >= len(errors):
            style.write(canvas, x, y - 0.42, "probability", style.SMALL_SIZE, style.MUTED)
    return style.finish(figure, path, overwrite)


def _write_key(canvas: Axes, y: float, compared: bool) -> None:
    known = [("calibrated", style.BLUE), ("before", style.HATCH)] if compared else [("a point a tenth", style.BLUE)]
    x = 0.2
    for text, color in known:
        canvas.plot([x], [y], "o", color=color, markersize=5)
        style.write(canvas, x + 0.12, y, text, style.SMALL_SIZE, style.MUTED)
        x += 0.35 + style.text_width(text, style.SMALL_SIZE)
    style.write(canvas, x, y, "below the line: too sure", style.SMALL_SIZE, style.MUTED)


def _prepare(axes: Axes) -> None:
    style.style_axes(axes)
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.plot([0, 1], [0, 1], color=style.LINE, linewidth=1)


def _draw(axes: Axes, points: pd.DataFrame, color: str) -> None:
    if len(points):
        sizes = 6 + 70 * points["rows"] / points["rows"].sum()
        many = points[points["rows"] >= FEW]
        axes.plot(many["probability"], many["right"], color=color, linewidth=0.9, alpha=0.7)
        axes.scatter(points["probability"], points["right"], s=sizes, color=color, linewidths=0)
