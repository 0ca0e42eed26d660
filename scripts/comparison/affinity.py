"""Which heads go together, by numbers that have a spread: pairs, groups, and whether there is a difference at all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import t

from mtlzoo.plotting import style

TOGETHER, APART, NONE = "together", "apart", "no difference"


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """The mean of a few values and its interval (Student's t); the interval of one value has no end."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("-inf"), float("inf")
    if len(known) == 1:
        return float(known[0]), float("-inf"), float("inf")
    half = t.ppf((1 + level) / 2, len(known) - 1) * known.std(ddof=1) / len(known) ** 0.5
    return float(known.mean()), float(known.mean() - half), float(known.mean() + half)


def verdict(low: float, high: float) -> str:
    """What an interval says: above 0, below 0, or neither."""
    return TOGETHER if low > 0 else APART if high < 0 else NONE


def list_pairs(matrices: np.ndarray, heads: Sequence[str], ordered: bool = False) -> pd.DataFrame:
    """A row for each pair of heads, with the interval over seeds and what it says.

    Args:
        matrices: `(seeds, heads, heads)`, such as cosines, or what the first head does to the second.
        heads: Their names.
        ordered: Whether the first on the second is another thing than the second on the first.
    """
    pairs = [(a, b) for a in range(len(heads)) for b in range(len(heads)) if (a != b if ordered else a < b)]
    rows = []
    for a, b in pairs:
        mean, low, high = interval(matrices[:, a, b])
        rows.append([heads[a], heads[b], mean, low, high, verdict(low, high)])
    return pd.DataFrame(rows, columns=["first", "second", "mean", "low", "high", "says"])


def find_groups(mean: np.ndarray, count: int) -> list[list[int]]:
    """Heads in so many groups, by average linkage of one less the cosine."""
    away = np.clip(1 - (mean + mean.T) / 2, 0, 2)
    np.fill_diagonal(away, 0)
    labels = fcluster(linkage(squareform(away, checks=False), "average"), count, "maxclust")
    return [np.flatnonzero(labels == label).tolist() for label in dict.fromkeys(labels)]


def advise(matrices: np.ndarray, heads: Sequence[str], most: int = 4) -> str:
    """The grouping whose cosines inside and between groups are farthest apart, if that is more than chance.

    Groups are found on all seeds but one, and looked at on that one, in turn: found and looked at on the same seeds, any
    noise makes groups.

    Args:
        matrices: Cosines `(seeds, heads, heads)`.
        heads: Their names.
        most: The largest number of groups that is tried.
    """
    best: tuple[float, str] | None = None
    for count in range(2, min(most, len(heads) - 1) + 1) if len(matrices) > 1 else ():
        gaps = []
        for seed in range(len(matrices)):
            inside, between = _split(
                matrices[seed], find_groups(mean_of_known(np.delete(matrices, seed, axis=0)), count)
            )
            gaps.append(inside - between)
        groups = find_groups(mean_of_known(matrices), count)
        splits = np.array([_split(one, groups) for one in matrices])
        inside, between = interval(splits[:, 0]), interval(splits[:, 1])
        if interval(gaps)[1] > 0 and inside[1] > between[2] and (best is None or np.mean(gaps) > best[0]):
            names = "; ".join(", ".join(heads[place] for place in group) for group in groups)
            what = f"Nearest to each other are {names}: cosine {_told(inside)} inside, {_told(between)} between."
            if between[2] < 0:
                what += " The groups pull apart: try a network for each, or a balancing method."
            else:
                what += " The groups do not pull apart: train all heads together."
            best = float(np.mean(gaps)), what
    if best is None:
        return f"{NONE}: the intervals of cosines inside and between groups overlap. Train all heads together."
    return best[1]


def _told(found: tuple[float, float, float]) -> str:
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"


def mean_of_known(matrices: np.ndarray) -> np.ndarray:
    """The mean over seeds of what is known, `0` where nothing is known."""
    known = np.isfinite(matrices)
    return np.where(known, matrices, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _split(matrix: np.ndarray, groups: Sequence[Sequence[int]]) -> tuple[float, float]:
    """The mean of the pairs inside of groups, and of those between."""
    of = {head: number for number, group in enumerate(groups) for head in group}
    values: dict[bool, list[float]] = {True: [], False: []}
    for a, b in combinations(of, 2):
        if np.isfinite(matrix[a, b]):
            values[of[a] == of[b]].append(float(matrix[a, b]))
    inside, between = (float(np.mean(values[same])) if values[same] else float("nan") for same in (True, False))
    return inside, between


def plot_matrix(pairs: pd.DataFrame, heads: Sequence[str], title: str, path: Path | None = None) -> Figure:
    """Draw a heat map of pairs: blue above 0, orange below; pale and without a number where there is no difference."""
    places = {name: place for place, name in enumerate(heads)}
    margin, cell, size = 2.0, 0.48, len(heads)
    width, height = max(margin + cell * size + 0.3, 5.9), margin + cell * size + 0.6
    figure = style.new_figure(width, height)
    canvas = style.add_canvas(figure)
    style.write(canvas, 0.2, height - 0.25, title, style.TITLE_SIZE, weight="bold")
    legend = "a number: the 95 % interval over seeds leaves out 0; a dot: no difference"
    style.write(canvas, 0.2, height - 0.5, legend, style.SMALL_SIZE, style.MUTED)
    top = float(np.nanmax(np.abs(pairs["mean"]))) or 1.0
    digits = 2 if top >= 0.1 else 3
    symmetric = len(pairs) == size * (size - 1) // 2
    for first, second, mean, says in pairs[["first", "second", "mean", "says"]].itertuples(index=False):
        spots = [(places[second], places[first])] + ([(places[first], places[second])] if symmetric else [])
        for column, row in spots:
            x, y = margin + cell * column, cell * (size - 1 - row) + margin - 0.35
            strength = 0.0 if not np.isfinite(mean) else min(abs(mean) / top, 1.0) * (0.85 if says != NONE else 0.25)
            color = style.BLUE if mean > 0 else style.ORANGE
            canvas.fill_between([x, x + cell], y, y + cell, color=color, alpha=strength, linewidth=0)
            text = "·" if says == NONE else f"{mean:+.{digits}f}"
            ink = "white" if strength > 0.55 else style.INK
            style.write(canvas, x + cell / 2, y + cell / 2, text, style.SMALL_SIZE - 1.5, ink, ha="center")
    for name, place in places.items():
        y = cell * (size - 0.5 - place) + margin - 0.35
        style.write(
            canvas, margin - 0.08, y, style.shorten(name, margin - 0.2, style.SMALL_SIZE), style.SMALL_SIZE, ha="right"
        )
        short = style.shorten(name, margin - 0.5, style.SMALL_SIZE)
        style.write(
            canvas,
            margin + cell * (place + 0.5),
            margin - 0.43,
            short,
            style.SMALL_SIZE,
            ha="right",
            va="top",
            rotation=60,
            rotation_mode="anchor",
        )
    return style.finish(figure, path, overwrite=True)
