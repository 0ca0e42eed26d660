"""From runs to a table and an image: how much each method changes, against the plain sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlzoo.balancing import BALANCING, LossWeighting
from mtlzoo.plotting import style

PLAIN, TUNED = "plain sum", "static, tuned"
FIXED, LOSSES, GRADIENTS = "fixed weights", "loss weighting", "gradient balancing"
COLORS = {FIXED: style.INK, LOSSES: style.BLUE, GRADIENTS: style.ORANGE}
WIDTH, MARGIN, NAMES, GAP = 10.0, 0.12, 1.42, 0.1  # inches, here and below
ROW, HEADER, ABOVE, BELOW = 0.2, 0.95, 0.28, 0.5
FARTHEST = 3  # how many times farther than the middle half of the runs an axis goes


def family(method: str) -> str:
    """What kind of method it is."""
    if method in (PLAIN, TUNED):
        return FIXED
    return LOSSES if issubclass(BALANCING[method], LossWeighting) else GRADIENTS


def changes(runs: pd.DataFrame) -> pd.DataFrame:
    """The change of each run in percent: the mean over heads of how much better the main metric is, relatively.

    What it is compared with is the plain sum's mean over seeds, so that the plain sum shows a spread like any other
    (Maninis et al. 2019, arXiv:1904.08918, up to the sign: higher is better here).

    Args:
        runs: As `runs.csv`.

    Returns:
        A row a run: `set`, `method`, `seed`, `change`, `score` (the mean of the heads'), `cpu_seconds`.
    """
    plain = runs[runs["method"] == PLAIN].groupby(["set", "head"])["value"].mean()
    reference = plain.reindex(pd.MultiIndex.from_frame(runs[["set", "head"]])).to_numpy()
    sign = np.where(runs["mode"] == "max", 1, -1)
    runs = runs.assign(change=100 * sign * (runs["value"] - reference) / reference)
    return runs.groupby(["set", "method", "seed"], sort=False)[["change", "score", "cpu_seconds"]].mean().reset_index()


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a set and method: the mean and the standard deviation over seeds of all figures, the best method first.

    The main metrics stand under their heads' names where a set has at most four heads.
    """
    values = runs.pivot_table("value", ["set", "method", "seed"], "head")
    figures = changes(runs).set_index(["set", "method", "seed"])
    tables = []
    for name, rows in figures.groupby("set", sort=False):
        heads = values.loc[name].dropna(axis=1, how="all")
        beside = heads if heads.shape[1] <= 4 else heads.iloc[:, :0]
        groups = rows.loc[name].join(beside).groupby("method", sort=False)
        table = groups.mean().join(groups.std(), rsuffix=" ±").assign(seeds=groups.size())
        tables.append(pd.concat({name: table.sort_values("change", ascending=False)}, names=["set"]))
    return pd.concat(tables)


def to_markdown(table: pd.DataFrame) -> str:
    """The table as markdown: for each set the methods with all figures, then all sets beside each other."""
    text = []
    for name, rows in table.groupby("set", sort=False):
        rows = rows.loc[name].dropna(axis=1, how="all")
        heads = [
            column for column in rows if f"{column} ±" in rows and column not in ("change", "score", "cpu_seconds")
        ]
        text += [f"| {name} | change, % | mean score | " + "".join(f"{head} | " for head in heads) + "CPU seconds |"]
        text += ["|" + " --- |" * (4 + len(heads))]
        for method, row in rows.iterrows():
            cells = [method, _spread(row, "change", "{:+z.1f}", "{:.1f}"), _spread(row, "score")]
            cells += [_spread(row, head, "{:.3g}", "{:.2g}") for head in heads]
            text.append(f"| {' | '.join(cells)} | {row['cpu_seconds']:.0f} |")
        text.append("")
    sets = list(dict.fromkeys(table.index.get_level_values("set")))
    text += [f"| method | {' | '.join(sets)} | mean |", "|" + " --- |" * (2 + len(sets))]
    wide = table["change"].unstack("set")
    for method in wide.mean(axis=1).sort_values(ascending=False).index:
        cells = [
            _spread(table.loc[name, method], "change", "{:+z.1f}", "{:.1f}") if (name, method) in table.index else "-"
            for name in sets
        ]
        text.append(f"| {method} | {' | '.join(cells)} | {wide.loc[method].mean():+z.1f} |")
    return "\n".join(text)


def _spread(row: pd.Series, name: str, mean: str = "{:.3f}", deviation: str = "{:.3f}") -> str:
    spread = row.get(f"{name} ±", np.nan)
    return mean.format(row[name]) + ("" if np.isnan(spread) else f" ± {deviation.format(spread)}")


# === Image ===


def plot_comparison(frame: pd.DataFrame, path: Path | None = None) -> Figure:
    """Draw the change of every run: a panel a set, a row a method, the best first.

    Args:
        frame: From :func:`changes`.
        path: Where to save it as PNG. Default: not saved.
    """
    sets = list(dict.fromkeys(frame["set"]))
    most = max(frame.groupby("set")["method"].nunique())
    height = HEADER + ABOVE + ROW * most + BELOW
    figure = style.new_figure(WIDTH, height)
    canvas = style.add_canvas(figure)
    _draw_header(canvas, height)
    room = (WIDTH - 2 * MARGIN + GAP) / len(sets)
    for column, name in enumerate(sets):
        rows = frame[frame["set"] == name]
        means = rows.groupby("method")["change"].mean().sort_values()
        left = MARGIN + column * room + NAMES
        axes = figure.add_axes((left / WIDTH, BELOW / height, (room - NAMES - GAP) / WIDTH, ROW * len(means) / height))
        _draw_panel(axes, rows, list(means.index))
        top = BELOW + ROW * len(means) + 0.14
        style.write(canvas, left - 0.1, top, name, weight="bold", ha="right")
        for place, method in enumerate(means.index):
            weight = "bold" if method in (PLAIN, TUNED) else "normal"
            y = BELOW + ROW * (place + 0.5)
            color = COLORS[family(method)]
            style.write(canvas, left - 0.1, y, method, style.SMALL_SIZE, color, ha="right", weight=weight)
    return style.finish(figure, path, overwrite=True)


def _draw_header(canvas: Axes, height: float) -> None:
    x, y = MARGIN + 0.1, height - 0.22
    style.write(canvas, x, y, "How much balancing changes", style.TITLE_SIZE, weight="bold")
    y -= 0.27
    for text, color in COLORS.items():
        canvas.plot([x, x + 0.3], [y, y], color=color, linewidth=1.6, solid_capstyle="round")
        canvas.plot([x + 0.15, x + 0.15], [y - 0.06, y + 0.06], color=color, linewidth=2.4)
        style.write(canvas, x + 0.38, y, text, style.SMALL_SIZE, style.MUTED)
        x += 0.38 + style.text_width(text, style.SMALL_SIZE) + 0.25
    text = "dot: one seed; bar: mean and standard deviation; gray: that of the plain sum; arrow: farther than the axis"
    style.write(canvas, MARGIN + 0.1, y - 0.23, text, style.SMALL_SIZE, style.MUTED)


def _draw_panel(axes: Axes, rows: pd.DataFrame, methods: list[str]) -> None:
    style.style_axes(axes)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x", color=style.LINE, linewidth=0.5, alpha=0.7)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    low, high = _limits(rows["change"].to_numpy())
    plain = rows.loc[rows["method"] == PLAIN, "change"]
    if len(plain) > 1:
        axes.axvspan(-plain.std(), plain.std(), color=style.LINE, alpha=0.35, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=0.8, zorder=2)
    for place, method in enumerate(methods):
        values = rows.loc[rows["method"] == method, "change"]
        y, color = place + 0.5, COLORS[family(method)]
        mean, spread = values.mean(), values.std() if len(values) > 1 else 0
        if mean < low:
            axes.plot([low], [y], color=color, marker="<", markersize=4.5, clip_on=False, zorder=4)
            axes.text(
                low + 0.03 * (high - low), y, f"{mean:.0f} %", color=color, size=style.SMALL_SIZE - 0.5, va="center"
            )
            continue
        inside = values[values >= low]
        axes.plot(inside, np.full(len(inside), y), "o", color=color, alpha=0.35, markersize=4, markeredgewidth=0)
        axes.plot([max(mean - spread, low), mean + spread], [y, y], color=color, linewidth=1.4, zorder=3)
        axes.plot([mean, mean], [y - 0.28, y + 0.28], color=color, linewidth=2.4, zorder=4)
    axes.set(xlim=(low, high), ylim=(0, len(methods)))
    axes.set_xlabel("mean change of the heads, %", size=style.SMALL_SIZE, color=style.MUTED, labelpad=2)


def _limits(values: np.ndarray) -> tuple[float, float]:
    """An axis over all runs but those far below the others."""
    lower, upper = np.percentile(values, [25, 75])
    low = max(values.min(), min(lower, 0) - FARTHEST * max(upper - lower, 1))
    room = 0.06 * max(values.max() - low, 1)
    return low - room, max(values.max(), 0) + room
