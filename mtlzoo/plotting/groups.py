"""How good each head is in each group, beside all rows."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtlzoo.plotting import style

COLUMNS = ["by", "group", "head", "labelled", "metric", "value", "low", "high", "score"]
ALL = "all"
MOST_BESIDE = 4  # panels
PANEL_WIDTHS = {1: 4.6, 2: 3.0}  # inches, here and below
PANEL_WIDTH, COUNT_WIDTH, GAP, MARGIN = 2.1, 0.5, 0.25, 0.2
LONGEST_NAME = 2.6
ROW, BLOCK = 0.235, 0.34  # the height of a group, and of the heading above some
HEADER, ABOVE, BELOW = 0.62, 0.36, 0.55


def plot_groups(frame: pd.DataFrame, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Figure:
    """Draw what :func:`mtlzoo.evaluation.evaluate_groups` found: a panel for each head, a line for each group.

    A point is the head's main metric in the group, its bar the 95 % interval, the vertical line the metric of all rows and
    the band behind it their interval. A group whose whole bar lies on the worse side of that line is orange. The number at
    the right is that of labelled rows. Each panel has a scale of its own.

    Args:
        frame: As `evaluate_groups` returns it, or the same with its index as columns.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`, which grows with the number of groups and of heads.

    Raises:
        ValueError: A column is missing, or there is no group.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import pandas as pd

    from mtlzoo.plotting import plot_groups

    frame = pd.DataFrame({"by": ["all", "gender", "gender"], "group": ["all", "male", "female"], "labelled": [90, 40, 50]})
    frame = frame.assign(head="age", metric="mae", value=[5.1, 4.6, 5.5], low=[4.7, 4.1, 5.2], high=[5.4, 5.2, 5.9])
    figure = plot_groups(frame.assign(score=1 / (1 + frame["value"])))
    ```
    """
    frame = frame.reset_index() if isinstance(frame.index, pd.MultiIndex) else frame
    missing = [column for column in COLUMNS if column not in frame]
    if missing or (frame["by"] == ALL).all():
        raise ValueError(
            f"Expected a frame of groups with the columns {', '.join(COLUMNS)}, received: {len(frame)} rows and the "
            f"columns {list(frame.columns)}."
        )
    heads = list(frame["head"].unique())
    keys = list(dict.fromkeys(zip(frame["by"], frame["group"], strict=True)))
    blocks = {by: [group for other, group in keys if other == by] for by, _ in keys if by != ALL}

    # === Layout, in inches ===
    bands = math.ceil(len(heads) / MOST_BESIDE)
    beside = math.ceil(len(heads) / bands)
    names = [name for by, groups in blocks.items() for name in (by, *groups)]
    left = MARGIN + min(LONGEST_NAME, max(style.text_width(str(name), weight="bold") for name in names)) + 0.15
    panel_width = PANEL_WIDTHS.get(beside, PANEL_WIDTH)
    rows_height = BLOCK * len(blocks) + ROW * sum(map(len, blocks.values()))
    width = max(left + beside * (panel_width + COUNT_WIDTH) + (beside - 1) * GAP + MARGIN, 6.2)
    height = HEADER + bands * (ABOVE + rows_height + BELOW)

    # === Drawing ===
    figure = style.new_figure(width, height)
    canvas = style.add_canvas(figure)
    _draw_header(canvas, height)
    for number, head in enumerate(heads):
        band, column = divmod(number, beside)
        bottom = height - HEADER - band * (ABOVE + rows_height + BELOW) - ABOVE - rows_height
        x = left + column * (panel_width + COUNT_WIDTH + GAP)
        places = _draw_names(canvas, blocks, bottom + rows_height, left if column == 0 else None)
        axes = style.add_axes(figure, x, bottom, panel_width, rows_height)
        axes.set_ylim(bottom, bottom + rows_height)
        rows = frame[frame["head"] == head]
        _draw_panel(axes, rows, places)
        title = style.shorten(head, panel_width, weight="bold")
        style.write(canvas, x, bottom + rows_height + 0.17, title, weight="bold")
        right = x + panel_width + COUNT_WIDTH - 0.04
        style.write(canvas, right, bottom + rows_height + 0.17, "rows", style.SMALL_SIZE, style.MUTED, ha="right")
        for key, labelled in zip(zip(rows["by"], rows["group"], strict=True), rows["labelled"], strict=True):
            if key in places:
                count = style.compact(int(labelled))
                style.write(canvas, right, places[key], count, style.SMALL_SIZE, style.MUTED, ha="right")
    return style.finish(figure, path, overwrite)


def _draw_header(canvas: Axes, height: float) -> None:
    x, y = MARGIN, height - 0.22
    style.write(canvas, x, y, "By group", style.TITLE_SIZE, weight="bold")
    y -= 0.26
    for color, text in ((style.BLUE, "group, 95 % interval"), (style.ORANGE, "all of it worse than the line")):
        canvas.plot([x, x + 0.3], [y, y], color=color, linewidth=1.6, solid_capstyle="round")
        canvas.plot([x + 0.15], [y], color=color, marker="o", markersize=4.5)
        style.write(canvas, x + 0.38, y, text, style.SMALL_SIZE, style.MUTED)
        x += 0.38 + style.text_width(text, style.SMALL_SIZE) + 0.25
    canvas.plot([x + 0.1, x + 0.1], [y - 0.08, y + 0.08], color=style.INK, linewidth=1.0)
    style.write(canvas, x + 0.2, y, "all rows", style.SMALL_SIZE, style.MUTED)


def _draw_names(
    canvas: Axes, blocks: dict[str, list[str]], top: float, right: float | None
) -> dict[tuple[str, str], float]:
    """Write the groups' names, where they are wanted, and return the height at which each group lies."""
    places = {}
    for by, groups in blocks.items():
        top -= BLOCK
        if right is not None:
            name = style.shorten(by, LONGEST_NAME, weight="bold")
            style.write(canvas, right - 0.15, top + 0.12, name, weight="bold", ha="right")
        for group in groups:
            places[by, group] = top - ROW / 2
            if right is not None:
                style.write(canvas, right - 0.15, places[by, group], style.shorten(group, LONGEST_NAME), ha="right")
            top -= ROW
    return places


def _draw_panel(axes: Axes, rows: pd.DataFrame, places: dict[tuple[str, str], float]) -> None:
    style.style_axes(axes)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x", color=style.LINE, linewidth=0.5, alpha=0.7)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    known = rows[rows["value"].notna() & rows["score"].notna()]
    if known.empty:
        axes.set_xticks([])
        axes.text(
            0.5, 0.5, "no labels", transform=axes.transAxes, ha="center", color=style.MUTED, size=style.SMALL_SIZE
        )
        return
    by_value = known.sort_values("value")["score"]
    sign = 1 if by_value.iloc[-1] >= by_value.iloc[0] else -1
    overall = known[known["by"] == ALL]
    middle = overall["value"].iloc[0] if len(overall) else np.nan
    if len(overall):
        axes.axvspan(overall["low"].iloc[0], overall["high"].iloc[0], color=style.LINE, alpha=0.35, linewidth=0)
        axes.axvline(middle, color=style.INK, linewidth=1.0, zorder=2)
    for row in known[known["by"] != ALL].itertuples():
        y = places[row.by, row.group]
        worse = row.high < middle if sign > 0 else row.low > middle
        color = style.ORANGE if worse else style.BLUE
        if np.isfinite(row.low):
            axes.plot([row.low, row.high], [y, y], color=color, linewidth=1.6, solid_capstyle="round", zorder=3)
        axes.plot([row.value], [y], color=color, marker="o", markersize=4.5, zorder=4, clip_on=False)
    numbers = known[["value", "low", "high"]].to_numpy(float)
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    room = 0.04 * (high - low) or 0.05 * abs(low) or 0.05
    axes.set_xlim(low - room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], min_n_ticks=3))
    axes.xaxis.set_major_formatter(lambda value, _: style.compact(value))
    meaning = f"{rows['metric'].iloc[0]}, {'higher' if sign > 0 else 'lower'} is better"
    axes.set_xlabel(meaning, size=style.SMALL_SIZE, color=style.MUTED, labelpad=2, parse_math=False)
