"""What formats and precisions of a model cost: score against time, size as the size of the mark."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtlzoo.plotting import style

WIDTH, HEIGHT, MARGIN, HEADER = 7.2, 4.2, 0.15, 0.6  # inches
LEFT, BELOW, RIGHT = 0.6, 0.55, 0.3
COLORS = {
    "h5": style.INK,
    "savedmodel": style.MUTED,
    "litert": style.BLUE,
    "onnx": style.GREEN,
    "openvino": style.ORANGE,
}


def plot_formats(
    variants: pd.DataFrame, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False
) -> Figure:
    """Draw the mean score of each file against the milliseconds that it takes for an image.

    Args:
        variants: What `mtl.benchmark(...).variants` holds.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    variants = pd.DataFrame({
        "format": ["h5", "litert"], "precision": ["float32", "int8"], "keep_float": [False, False],
        "megabytes": [2.4, 0.7], "ms_one": [12.0, 0.4], "score": [0.91, 0.88], "refused": [False, True],
    })
    figure = mtl.plotting.plot_formats(variants)
    ```
    """
    figure = style.new_figure(WIDTH, HEIGHT)
    axes = style.add_axes(figure, MARGIN + LEFT, BELOW, WIDTH - 2 * MARGIN - LEFT - RIGHT, HEIGHT - HEADER - BELOW)
    style.style_axes(axes)
    sizes = 60 + 500 * variants["megabytes"] / variants["megabytes"].max()
    for (_, row), size in zip(variants.iterrows(), sizes):
        color = COLORS.get(row["format"], style.SKY)
        face = "white" if row["refused"] else color
        axes.scatter(row["ms_one"], 100 * row["score"], s=size, color=face, edgecolors=color, alpha=0.75, zorder=3)
    axes.set_xscale("log")
    low, high = variants["ms_one"].min(), variants["ms_one"].max()
    axes.set_xlim(low / 1.6, high * 12)  # room for the names
    axes.xaxis.set_major_formatter(lambda value, _: style.compact(value))
    scores = 100 * variants["score"]
    room = max(scores.max() - scores.min(), 1.0)
    axes.set_ylim(scores.min() - 0.15 * room, scores.max() + 0.25 * room)
    _write_names(axes, variants, room)
    axes.set_xlabel("milliseconds for an image", size=style.SMALL_SIZE, color=style.MUTED, labelpad=2)
    axes.set_ylabel("mean score", size=style.SMALL_SIZE, color=style.MUTED)
    canvas = style.add_canvas(figure)
    x, y = MARGIN + LEFT, HEIGHT - 0.3
    style.write(canvas, x, y, "Formats and precisions", style.TITLE_SIZE, weight="bold")
    x += style.text_width("Formats and precisions", style.TITLE_SIZE, "bold") + 0.3
    style.write(canvas, x, y, "area: size of the file; hollow: refused", color=style.MUTED)
    return style.finish(figure, path, overwrite)


def _write_names(axes: object, variants: pd.DataFrame, room: float) -> None:
    """A name beside each mark, those at nearly the same height one below the other."""
    taken: list[tuple[float, float]] = []
    for _, row in variants.sort_values("score", ascending=False).iterrows():
        y = 100 * row["score"]
        while any(abs(y - other) < 0.045 * room * 1.4 and abs(np.log(row["ms_one"] / x)) < 1.6 for x, other in taken):
            y -= 0.01 * room
        taken.append((row["ms_one"], y))
        name = f"{row['format']} {row['precision']}{' (dense in float)' if row['keep_float'] else ''}"
        axes.annotate(  # type: ignore[attr-defined]
            f"{name}, {row['megabytes']:.2g} MB", (row["ms_one"], y), (9, 0), textcoords="offset points", va="center",
            size=style.SMALL_SIZE, color=COLORS.get(row["format"], style.SKY), parse_math=False, zorder=4,
        )  # fmt: skip
