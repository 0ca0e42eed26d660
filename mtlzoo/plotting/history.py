"""Learning curves: the total loss, the score, and one small panel for each head."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtlzoo.plotting import style

CURVES = {"training": ("", style.AMBER), "validation": ("val_", style.BLUE)}  # name: column prefix, colour
WIDTH, MARGIN, HEADER = 10.0, 0.15, 0.5  # inches, here and below
LEFT, ABOVE, BELOW = 0.6, 0.35, 0.32  # around a panel: for its numbers and the metric, its title, the epochs
TOP_HEIGHT, HEAD_HEIGHT = 1.75, 1.15


class Panel(NamedTuple):
    """One chart: its heading, its unit, and the column of the history that it shows."""

    title: str
    metric: str
    column: str


def plot_history(
    history: pd.DataFrame,
    path: str | os.PathLike[str] | None = None,
    metrics: Mapping[str, str] | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw learning curves, training against validation, with a thin vertical line where a stage begins.

    Panels with the same metric have the same vertical scale. The number beside a panel's title is the last value.

    Args:
        history: One row an epoch. Columns `loss`, `score`, and for each head `<head>_loss` and `<head>_<metric>`,
            each also with the prefix `val_`; `epoch` (without it, or where it starts again, rows are numbered from 1)
            and `stage`. Columns that are missing are not drawn, and `NaN` is left out.
        path: Where to save the figure as PNG. Default: not saved.
        metrics: Head name to the metric to show, named as in the column. Default: each head's first metric, or its
            loss where it has no metric.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ValueError: `history` has no rows or nothing to draw, or `metrics` names what has no column.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import pandas as pd

    from mtlzoo.plotting import plot_history

    history = pd.DataFrame({"epoch": [1, 2], "stage": [1, 2], "loss": [1.0, 0.6], "val_loss": [1.1, 0.8]})
    figure = plot_history(history.assign(age_loss=[1.0, 0.6], age_mae=[9.0, 7.5]))
    ```
    """
    names = list(dict.fromkeys(str(column).removeprefix("val_") for column in history.columns))
    whole = [Panel(name, "", name) for name in ("loss", "score") if name in names]
    heads = _head_panels(names, metrics or {})
    if history.empty or not whole + heads:
        raise ValueError(
            "Expected a history with at least one row and a column such as 'loss', 'score' or '<head>_loss', "
            f"received: {len(history)} rows and the columns {list(history.columns)}."
        )
    epochs = _epochs(history)
    rows = _rows(whole, heads)
    height = HEADER + sum(ABOVE + height + BELOW for height, _, _ in rows) + 0.25
    figure = style.new_figure(WIDTH, height)
    _draw_header(figure, history)

    same_metric: dict[str, list[Axes]] = {}
    top = height - HEADER
    for index, (panel_height, columns, panels) in enumerate(rows):
        cell_width = (WIDTH - 2 * MARGIN) / columns
        below = len(rows[index + 1][2]) if index + 1 < len(rows) and rows[index + 1][1] == columns else 0
        for column, panel in enumerate(panels):
            left, bottom = MARGIN + column * cell_width + LEFT, top - ABOVE - panel_height
            size = (cell_width - LEFT - 0.1, panel_height)
            axes = style.add_axes(figure, left, bottom, *size)
            _draw_curves(axes, epochs, history, panel, size[0])
            _draw_stages(axes, epochs, history, named=index == 0)
            if column >= below:
                axes.set_xlabel("epoch", size=style.SMALL_SIZE, color=style.MUTED, labelpad=1)
            if column == 0 or panel.metric != panels[column - 1].metric:
                axes.set_ylabel(panel.metric, size=style.SMALL_SIZE, color=style.MUTED, parse_math=False)
            if panel.metric:
                same_metric.setdefault(panel.metric, []).append(axes)
        top -= ABOVE + panel_height + BELOW
    for group in same_metric.values():
        limits = [axes.get_ylim() for axes in group if axes.get_lines()]
        for axes in group if limits else []:
            axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    return style.finish(figure, path, overwrite)


def _head_panels(names: list[str], metrics: Mapping[str, str]) -> list[Panel]:
    of_head: dict[str, list[str]] = {name.removesuffix("_loss"): [] for name in names if name.endswith("_loss")}
    for name in names:
        # Where there are heads "coat" and "coat_length", "coat_length_accuracy" belongs to the longer name.
        owner = max((head for head in of_head if name.startswith(f"{head}_")), key=len, default=None)
        if owner is not None:
            of_head[owner].append(name.removeprefix(f"{owner}_"))
    for head, metric in metrics.items():
        if metric not in of_head.get(head, []):
            raise ValueError(f"Expected heads and their metrics to be among {of_head}, received: {head!r}: {metric!r}.")
    panels = []
    for head, columns in of_head.items():
        metric = metrics.get(head) or next((column for column in columns if column != "loss"), "loss")
        panels.append(Panel(head, metric, f"{head}_{metric}"))
    return panels


def _rows(whole: list[Panel], heads: list[Panel]) -> list[tuple[float, int, list[Panel]]]:
    """Return for each row the height of its panels, the number of columns, and the panels."""
    if len(whole) + len(heads) <= 3:
        return [(TOP_HEIGHT, len(whole) + len(heads), whole + heads)]
    columns = 4 if len(heads) in (4, 7, 8) or len(heads) > 9 else min(3, len(heads))
    rows = [(HEAD_HEIGHT, columns, heads[start : start + columns]) for start in range(0, len(heads), columns)]
    return [(TOP_HEIGHT, len(whole), whole), *rows] if whole else rows


def _epochs(history: pd.DataFrame) -> np.ndarray:
    if "epoch" in history and history["epoch"].is_monotonic_increasing and history["epoch"].is_unique:
        return history["epoch"].to_numpy(float)
    return np.arange(1, len(history) + 1, dtype=float)


def _draw_curves(axes: Axes, epochs: np.ndarray, history: pd.DataFrame, panel: Panel, width: float) -> None:
    style.style_axes(axes)
    last, last_color = "", style.MUTED
    for prefix, color in CURVES.values():
        if prefix + panel.column not in history:
            continue
        values = history[prefix + panel.column].to_numpy(float)
        known = np.isfinite(values)
        if known.any():
            marker = "o" if known.sum() <= 30 else ""
            axes.plot(epochs[known], values[known], color=color, linewidth=1.6, marker=marker, markersize=2.8, zorder=3)
            last, last_color = f"{values[known][-1]:.3g}", color
    axes.margins(y=0.08)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], min_n_ticks=3))
    axes.yaxis.set_major_formatter(lambda value, _: style.compact(value))
    title = style.shorten(panel.title, width - style.text_width(last) - 0.1, weight="bold")
    options: dict[str, Any] = {"size": style.TEXT_SIZE, "pad": 5, "parse_math": False}
    axes.set_title(title, loc="left", color=style.INK, weight="bold", **options)
    axes.set_title(last, loc="right", color=last_color, **options)


def _draw_stages(axes: Axes, epochs: np.ndarray, history: pd.DataFrame, named: bool) -> None:
    if "stage" not in history or history["stage"].nunique() < 2:
        return
    stages = history["stage"].to_numpy()
    if named:  # make room for the names above the curves
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.12 * (high - low))
    starts = [0, *(np.flatnonzero(stages[1:] != stages[:-1]) + 1)]
    left, right = axes.get_xlim()
    edges = [left, *((epochs[start - 1] + epochs[start]) / 2 for start in starts[1:]), right]
    for x in edges[1:-1]:
        axes.axvline(x, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    inches_per_epoch = axes.get_position().width * WIDTH / (right - left)
    for start, x, end in zip(starts, edges[:-1], edges[1:], strict=True):
        text = stages[start] if isinstance(stages[start], str) else f"stage {stages[start]}"
        if named and style.text_width(text, style.SMALL_SIZE) + 0.08 < (end - x) * inches_per_epoch:
            axes.annotate(
                text, (x, 1), (3, -2), xycoords=("data", "axes fraction"), textcoords="offset points", va="top",
                size=style.SMALL_SIZE, color=style.MUTED, parse_math=False,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # fmt: skip


def _draw_header(figure: Figure, history: pd.DataFrame) -> None:
    canvas = style.add_canvas(figure)
    x, y = MARGIN + LEFT, figure.get_figheight() - 0.3
    style.write(canvas, x, y, "Learning curves", style.TITLE_SIZE, weight="bold")
    x += style.text_width("Learning curves", style.TITLE_SIZE, "bold") + 0.35
    for name, (prefix, color) in CURVES.items():
        if any(str(column).startswith("val_") == bool(prefix) for column in history.columns):
            canvas.plot([x, x + 0.3], [y, y], color=color, linewidth=2.2, solid_capstyle="round")
            style.write(canvas, x + 0.38, y, name, color=style.MUTED)
            x += 0.38 + style.text_width(name) + 0.3
