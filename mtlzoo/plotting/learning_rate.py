"""The loss against a rising learning rate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from mtlzoo.plotting import style

if TYPE_CHECKING:
    from mtlzoo.training.learning_rate_finder import LearningRates

WIDTH, HEIGHT, MARGIN, HEADER = 6.4, 3.6, 0.15, 0.55  # inches
LEFT, BELOW = 0.55, 0.55


def plot_learning_rate(
    found: LearningRates, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False
) -> Figure:
    """Draw the loss of each step against its learning rate, smoothed and as it was, with the rate to begin with.

    Args:
        found: What `mtl.find_learning_rate` gave.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    found = mtl.training.LearningRates(rates=(1e-4, 1e-3, 1e-2, 1e-1), losses=(1.0, 0.8, 0.3, 4.0))
    figure = mtl.plotting.plot_learning_rate(found)
    ```
    """
    figure = style.new_figure(WIDTH, HEIGHT)
    axes = style.add_axes(figure, MARGIN + LEFT, BELOW, WIDTH - 2 * MARGIN - LEFT, HEIGHT - HEADER - BELOW)
    style.style_axes(axes)
    rates, smoothed = np.asarray(found.rates), np.asarray(found.smoothed)
    axes.plot(rates, found.losses, color=style.SKY, linewidth=0.8, alpha=0.7, zorder=2)
    axes.plot(rates, smoothed, color=style.BLUE, linewidth=2.0, zorder=3)
    axes.set_xscale("log")
    axes.set_xlim(rates[0], rates[-1])
    # Where the loss breaks out it would press all that matters to the ground.
    low, high = np.nanmin(found.losses), np.nanmax(smoothed[: int(np.nanargmin(smoothed)) + 1])
    room = max(high - low, 1e-6)
    axes.set_ylim(low - 0.08 * room, high + 0.6 * room)
    axes.yaxis.set_major_formatter(lambda value, _: style.compact(value))
    for rate, name, color in (
        (found.suggestion, "begin with", style.GREEN),
        (found.steepest, "steepest", style.MUTED),
        (found.lowest, "lowest", style.ORANGE),
    ):
        axes.axvline(rate, color=color, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            f"{name} {rate:.1e}", (rate, 1), (3, -3), xycoords=("data", "axes fraction"), textcoords="offset points",
            va="top", rotation=90, size=style.SMALL_SIZE, color=color, parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    axes.set_xlabel("learning rate", size=style.SMALL_SIZE, color=style.MUTED, labelpad=2)
    axes.set_ylabel("loss", size=style.SMALL_SIZE, color=style.MUTED)
    canvas = style.add_canvas(figure)
    x, y = MARGIN + LEFT, HEIGHT - 0.3
    style.write(canvas, x, y, "Learning rate", style.TITLE_SIZE, weight="bold")
    x += style.text_width("Learning rate", style.TITLE_SIZE, "bold") + 0.35
    for name, color in (("loss of a step", style.SKY), ("smoothed", style.BLUE)):
        canvas.plot([x, x + 0.3], [y, y], color=color, linewidth=2.2, solid_capstyle="round")
        style.write(canvas, x + 0.38, y, name, color=style.MUTED)
        x += 0.38 + style.text_width(name) + 0.3
    return style.finish(figure, path, overwrite)
