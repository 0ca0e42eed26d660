"""The weights of the heads, their conflicts, and the cosines between their gradients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtlzoo.plotting import style

COLORS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.AMBER, style.SKY, style.INK, style.MUTED)
CONFLICT = LinearSegmentedColormap.from_list("conflict", [style.ORANGE, "#FFFFFF", style.BLUE]).with_extremes(
    bad=style.SURFACE
)
WIDTH, HEADER, MARGIN = 10.0, 0.55, 0.55  # inches, here and below
CHART = 2.6
MOST_WITH_NUMBERS = 12


def plot_balancing(
    history: Mapping[str, Any], path: str | os.PathLike[str] | None = None, *, overwrite: bool = False
) -> Figure:
    """Draw what a `mtl.BalancingMonitor` has recorded.

    On the left the weight of every head and the fraction of conflicting pairs, epoch by epoch; on the right the mean cosine
    between the gradients of each two heads over all epochs: blue where they pull together, orange where they fight.

    Args:
        history: `monitor.history`: `heads`, `epoch`, `weights` `(epochs, heads)`, `cosines` and `conflicts`
            `(epochs, heads, heads)`.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ValueError: If no epoch was monitored.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    monitor = mtl.BalancingMonitor()
    mtl.fit(model, train, valid, mtl.Stage(3, 1e-3), callbacks=[monitor])
    mtl.plotting.plot_balancing(monitor.history, "balancing.png")
    ```
    """
    heads, epochs = list(history["heads"]), np.asarray(history["epoch"], float) + 1
    if not len(epochs):
        raise ValueError("Expected the history of a BalancingMonitor with at least one epoch, received none.")
    upper = np.triu_indices(len(heads), 1)
    names = max((style.text_width(name, style.SMALL_SIZE) for name in heads), default=0)
    side = min(2 * CHART + 0.75, WIDTH / 2 - min(names, 1.5) - 0.3)
    height = HEADER + 2 * CHART + 1.25
    figure = style.new_figure(WIDTH, height)
    canvas = style.add_canvas(figure)
    style.write(canvas, MARGIN, height - 0.3, "How the heads pull", style.TITLE_SIZE, weight="bold")

    def panel(left: float, bottom: float, width: float, tall: float) -> Axes:
        return figure.add_axes((left / WIDTH, bottom / height, width / WIDTH, tall / height))

    left_width = WIDTH / 2 - MARGIN - 0.45
    top = panel(MARGIN, 0.5 + CHART + 0.6, left_width, CHART - 0.1)
    _draw_lines(top, epochs, np.asarray(history["weights"]), heads, "weight of each head")
    bottom = panel(MARGIN, 0.5, left_width, CHART - 0.1)
    fractions = _mean(np.asarray(history["conflicts"])[:, upper[0], upper[1]], axis=1)
    _draw_lines(bottom, epochs, fractions[:, None], [""], "pairs in conflict")
    bottom.set_ylim(0, 1)
    bottom.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bottom.set_xlabel("epoch", size=style.SMALL_SIZE, color=style.MUTED, labelpad=1)
    matrix = panel(WIDTH - side - 0.15, height - HEADER - 0.25 - side, side, side)
    _draw_cosines(matrix, _mean(np.asarray(history["cosines"]), axis=0), heads, min(names, 1.5))
    return style.finish(figure, path, overwrite)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean over what is known, `NaN` where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def _draw_lines(axes: Axes, epochs: np.ndarray, values: np.ndarray, names: list[str], title: str) -> None:
    style.style_axes(axes)
    for column, name in enumerate(names):
        known = np.isfinite(values[:, column])
        dashes = ("-", "--", ":")[column // len(COLORS) % 3]
        axes.plot(
            epochs[known], values[known, column], dashes, color=COLORS[column % len(COLORS)], linewidth=1.6,
            marker="o" if known.sum() <= 30 else "", markersize=2.8, label=style.shorten(name, 1.4, style.SMALL_SIZE),
        )  # fmt: skip
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.set_title(title, loc="left", size=style.TEXT_SIZE, color=style.INK, weight="bold", pad=5)
    if 1 < len(names) <= 2 * len(COLORS):
        axes.margins(y=0.3)
        legend = axes.legend(
            loc="upper left", ncols=3, fontsize=style.SMALL_SIZE - 1, frameon=False, handlelength=1.2, columnspacing=0.8
        )
        for text in legend.get_texts():
            text.set_color(style.INK)
            text.set_parse_math(False)


def _draw_cosines(axes: Axes, cosines: np.ndarray, heads: list[str], names: float) -> None:
    axes.imshow(np.ma.masked_invalid(cosines), cmap=CONFLICT, vmin=-1, vmax=1)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=style.SMALL_SIZE, labelcolor=style.INK)
    axes.set_title(
        "mean cosine between gradients", loc="left", size=style.TEXT_SIZE, color=style.INK, weight="bold", pad=5
    )
    labels = [style.shorten(name, names + 0.02, style.SMALL_SIZE) for name in heads]
    if len(heads) <= 40:
        axes.set_yticks(range(len(heads)), labels, parse_math=False)
        axes.set_xticks(range(len(heads)), labels, rotation=90, parse_math=False)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    if len(heads) > MOST_WITH_NUMBERS:
        return
    for row, column in np.ndindex(cosines.shape):
        value = cosines[row, column]
        text = "?" if np.isnan(value) else f"{value:z.2f}"
        dark = np.isfinite(value) and abs(value) > 0.6
        axes.text(
            column, row, text, ha="center", va="center", size=style.SMALL_SIZE, color="white" if dark else style.INK
        )
