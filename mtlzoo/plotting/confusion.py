"""The confusion matrix of one head."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from mtlzoo.plotting import style

COLORS = LinearSegmentedColormap.from_list("fraction", ["#FFFFFF", "#9CC9E6", style.BLUE, "#063B5E"])
LONGEST_LABEL = 2.2  # inches, here and below
SMALLEST_CELL, LARGEST_CELL, MATRIX_SIZE = 0.27, 0.85, 6.5
SMALLEST_COUNT, LARGEST_COUNT = 5.5, 10.0  # points


def plot_confusion(
    matrix: np.ndarray,
    labels: Sequence[str],
    title: str = "",
    path: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw a confusion matrix: colours show fractions of a row, numbers show counts where they fit.

    Args:
        matrix: Array of shape `(classes, classes)`, counts (or weights) of at least 0; a row is a true class, a
            column a predicted one.
        labels: Class names, length `classes`.
        title: Heading, for example the name of the head.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`. It grows with the number of classes, and is made for 2 to 40 of them.

    Raises:
        ValueError: `matrix` is not square, has negative or infinite entries, or `labels` has another length.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import numpy as np

    from mtlzoo.plotting import plot_confusion

    figure = plot_confusion(np.array([[40, 2], [5, 13]]), ["male", "female"], "gender")
    ```
    """
    matrix, labels = np.asarray(matrix), [str(label) for label in labels]
    if matrix.ndim != 2 or matrix.shape != (len(labels), len(labels)) or not labels:
        raise ValueError(
            f"Expected a square matrix with one row and one column for each of the {len(labels)} labels, "
            f"received shape: {matrix.shape}."
        )
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError("Expected a matrix of finite counts of at least 0, received negative or infinite entries.")
    totals = matrix.sum(axis=1, keepdims=True)
    fractions = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)

    # === Layout, in inches ===
    classes = len(labels)
    cell = min(max(MATRIX_SIZE / classes, SMALLEST_CELL), LARGEST_CELL)
    size = classes * cell
    names = [style.shorten(label, LONGEST_LABEL) for label in labels]
    longest = max(style.text_width(name) for name in names)
    slanted = any(style.text_width(name) > 0.92 * cell for name in names)
    row_totals = [_number(total) for total in totals[:, 0]]
    left = 0.55 + longest
    below = 0.45 + (longest * math.sqrt(0.5) + 0.1 if slanted else 0.2)
    right = 0.2 + max(style.text_width(text, style.SMALL_SIZE) for text in ["rows", *row_totals]) + 0.2
    header = 0.95
    summary = _summary(matrix)
    width = left + size + right + 0.75
    width = max(width, 0.3 + max(style.text_width(title, style.TITLE_SIZE, "bold"), style.text_width(summary)))

    # === Drawing ===
    figure = style.new_figure(width, below + size + header)
    canvas = style.add_canvas(figure)
    top = below + size
    style.write(canvas, 0.15, top + header - 0.25, title, style.TITLE_SIZE, weight="bold")
    style.write(canvas, 0.15, top + header - 0.53, summary, color=style.MUTED)
    edges = left + cell * np.arange(classes + 1), top - cell * np.arange(classes + 1)
    grid: dict[str, Any] = {
        "edgecolors": "white" if classes <= 20 else style.SURFACE,
        "linewidth": 1.0 if classes <= 20 else 0.5,
    }
    canvas.pcolormesh(*edges, fractions, cmap=COLORS, vmin=0, vmax=1, **grid)
    canvas.plot(edges[0][[0, -1, -1, 0, 0]], edges[1][[0, 0, -1, -1, 0]], color=style.LINE, linewidth=0.8)
    for index, name in enumerate(names):
        middle = (index + 0.5) * cell
        style.write(canvas, left - 0.08, top - middle, name, ha="right")
        style.write(canvas, left + size + 0.1, top - middle, row_totals[index], style.SMALL_SIZE, style.MUTED)
        if slanted:
            turned: dict[str, Any] = {"rotation": 45, "rotation_mode": "anchor", "ha": "right"}
            style.write(canvas, left + middle, below - 0.12, name, **turned)
        else:
            style.write(canvas, left + middle, below - 0.16, name, ha="center")
    style.write(canvas, left + size + 0.1, top + 0.14, "rows", style.SMALL_SIZE, style.MUTED)
    style.write(canvas, left + size / 2, 0.2, "predicted", color=style.MUTED, ha="center")
    style.write(canvas, 0.25, below + size / 2, "true", color=style.MUTED, ha="center", rotation=90)
    _draw_counts(canvas, matrix, fractions, left, top, cell)
    _draw_scale(canvas, left + size + right, top - 0.1, min(size, 2.2) - 0.1)
    return style.finish(figure, path, overwrite)


def _summary(matrix: np.ndarray) -> str:
    total = matrix.sum()
    accuracy = f", {np.trace(matrix) / total:.1%} on the diagonal" if total else ""
    return f"{_number(total)} rows{accuracy}"


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,.3g}"


def _draw_counts(canvas: Axes, matrix: np.ndarray, fractions: np.ndarray, left: float, top: float, cell: float) -> None:
    texts = {(row, column): _number(matrix[row, column]) for row, column in zip(*np.nonzero(matrix), strict=True)}
    if not texts:
        return
    room = 0.88 * cell
    widths = {text: style.text_width(text, 1.0) for text in set(texts.values())}  # of letters one point high
    size = min(
        LARGEST_COUNT, 0.5 * cell * style.POINTS_PER_INCH, max(SMALLEST_COUNT, 0.99 * room / max(widths.values()))
    )
    for (row, column), text in texts.items():
        if widths[text] * size <= room:
            color = "white" if fractions[row, column] > 0.45 else style.INK
            x, y = left + (column + 0.5) * cell, top - (row + 0.5) * cell
            style.write(canvas, x, y, text, size, color, ha="center", va="center_baseline")


def _draw_scale(canvas: Axes, x: float, top: float, height: float) -> None:
    shades = np.linspace(0, 1, 65)
    canvas.pcolormesh([x, x + 0.13], top - height * (1 - shades), shades[1:, None], cmap=COLORS, vmin=0, vmax=1)
    canvas.plot(
        [x, x + 0.13, x + 0.13, x, x], top - height * np.array([0, 0, 1, 1, 0]), color=style.LINE, linewidth=0.8
    )
    for fraction in (0, 0.5, 1):
        style.write(canvas, x + 0.19, top - height * (1 - fraction), f"{fraction:.0%}", style.SMALL_SIZE, style.MUTED)
    style.write(canvas, x, top + 0.24, "of the row", style.SMALL_SIZE, style.MUTED)
