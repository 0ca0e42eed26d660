"""How good each head is in each group of images: of women and men, of the old and the young, of every camera."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data import Table
from mtlzoo.errors import TableError
from mtlzoo.evaluation.grouping import By, Groups, group_rows
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.report import answers_for, judge
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.models import MultiTaskModel

ALL = "all"
COVERAGE = 0.95
RESAMPLES = 1000
DRAWN_AT_ONCE = 2_000_000  # numbers, so that a large group needs no more memory than a small one

Judge = Callable[[np.ndarray], dict[str, Any]]


def evaluate_groups(
    model: MultiTaskModel,
    table: Table | pd.DataFrame | str | os.PathLike,
    by: By,
    batch_size: int = 32,
    predictions: Mapping[str, np.ndarray] | None = None,
    geometry: ImageGeometry | None = None,
    *,
    cross: bool = False,
) -> pd.DataFrame:
    """Judge a model in each group of a table's rows, and say how far each group is from all rows.

    A group is what its rows' true label or cell says, never what was predicted. Rows in which that is missing are in no
    group, and groups without rows are left out.

    Args:
        model: The model.
        table: Images with labels for some of the model's heads, as :func:`evaluate` takes them.
        by: One or more columns of the table. A head with classes groups by them; a head with tags groups by each tag, the
            rows with it and those without (`not <tag>`), which overlap; any other column by its distinct values. Numbers
            are cut into intervals by a mapping from the column to ascending edges, such as `{"age": [0, 18, 45, 90]}`
            (each interval without its upper edge, the last one with it, as in `numpy.histogram`; `None`: not cut).
        batch_size: Rows at a time.
        predictions: What :func:`outputs` gave for these rows, if it is known already; for the heads that have labels.
        geometry: Where what the network saw lies in the images, if that is known already.
        cross: Whether to group by all columns at once (`gender x ethnicity`) rather than by one after the other.

    Returns:
        A data frame with a row for each `(by, group, head)`, the first ones being `("all", "all", head)`: `labelled`
        (rows of the group with a label for the head), `metric` (the head's main one), `value`, `low` and `high` (its 95 %
        interval), `score`, and `gap` (value less that of all rows). The interval is Wilson's (1927) for a share of rows
        such as an accuracy, and otherwise lies between the percentiles of 1,000 bootstrap resamples of the group's rows
        (Efron 1979), drawn with a fixed seed; it is `NaN` for fewer than two labelled rows. Both take rows as independent:
        with many images of one person it is too narrow.

    Raises:
        TableError: If the table has no such column, no rows or no column for any head, a label is none that its head
            knows, or a cell is no number where there are edges.
        ValueError: If there is not one prediction a row, edges do not ascend, or a quantity has none.

    Example:

    ```python
    groups = mtl.evaluation.evaluate_groups(model, valid, by={"gender": None, "age": [0, 18, 45, 90]})
    groups.xs("ethnicity", level="head")[["labelled", "value", "low", "high", "gap"]]
    ```
    """
    table = read_labelled(table)
    if not len(table):
        raise TableError(f"{table.source}: no rows.")
    judged = table.for_heads(model.heads)
    blocks = {ALL: {ALL: np.ones(len(table), bool)}, **group_rows(table, judged, by, cross)}
    predictions, geometry = answers_for(model, judged, batch_size, predictions, geometry)
    records = {}
    for name, targets in judged.labels().items():
        head = model.heads[name]
        judge_rows = _judge(head, targets, predictions[name], geometry)
        records[name] = _judge_groups(judge_rows, head.labelled(targets), blocks)
    keys = [(block, group, name) for block, groups in blocks.items() for group in groups for name in records]
    rows = [records[name][block, group] for block, group, name in keys]
    return pd.DataFrame(rows, index=_index(keys))


def _index(keys: Sequence[tuple[str, str, str]]) -> pd.MultiIndex:
    """An index whose order is that of the keys: pandas warns of look-ups in one that is not sorted."""
    levels = [list(dict.fromkeys(column)) for column in zip(*keys)]
    codes = [[level.index(key) for key in column] for level, column in zip(levels, zip(*keys))]
    return pd.MultiIndex(levels, codes, names=["by", "group", "head"])


def _judge(head: Head, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None) -> Judge:
    """What judges a head on some rows, given by their positions."""
    if not head.spatial or geometry is None:
        return lambda rows: judge(head, targets[rows], predictions[rows], None)
    return lambda rows: judge(head, targets[rows], predictions[rows], geometry.take(rows))


def _judge_groups(judge_rows: Judge, labelled: np.ndarray, blocks: Mapping[str, Groups]) -> dict[tuple[str, str], dict]:
    """The figures of one head in every group."""
    rows = np.flatnonzero(labelled)
    overall = judge_rows(rows if len(rows) else np.arange(len(labelled)))  # without labels a head says NaN
    values = _row_values(judge_rows, rows, len(labelled), overall["value"])
    records = {}
    for block, groups in blocks.items():
        for group, inside in groups.items():
            rows = np.flatnonzero(labelled & inside)
            figures = judge_rows(rows) if len(rows) else {"value": np.nan, "score": np.nan}
            low, high = _interval(judge_rows, rows, values)
            records[block, group] = {
                "labelled": len(rows),
                "metric": overall["metric"],
                "value": float(figures["value"]),
                "low": low,
                "high": high,
                "score": float(figures["score"]),
                "gap": float(figures["value"] - overall["value"]),
            }
    return records


def _row_values(judge_rows: Judge, rows: np.ndarray, total: int, value: float) -> np.ndarray | None:
    """The metric of each row by itself, if that of all rows is their mean: so are accuracies and errors, not F1."""
    values = np.full(total, np.nan)
    values[rows] = [judge_rows(row)["value"] for row in rows[:, None]]
    known = values[~np.isnan(values)]
    return values if len(known) and np.isclose(known.mean(), value, rtol=1e-4) else None


def _interval(judge_rows: Judge, rows: np.ndarray, values: np.ndarray | None) -> tuple[float, float]:
    """The 95 % interval of the metric over some rows, given the values of all rows where their mean is the metric."""
    if len(rows) < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(0)
    if values is None:
        drawn = np.asarray([judge_rows(rng.choice(rows, len(rows)))["value"] for _ in range(RESAMPLES)])
    else:
        known = values[rows][~np.isnan(values[rows])]
        if len(known) < 2:
            return np.nan, np.nan
        if np.isin(values[~np.isnan(values)], (0, 1)).all():
            return _wilson(float(known.mean()), len(known))
        at_once = max(1, DRAWN_AT_ONCE // len(known))
        sizes = [min(at_once, RESAMPLES - start) for start in range(0, RESAMPLES, at_once)]
        drawn = np.concatenate(
            [known[rng.integers(len(known), size=(size, len(known)))].mean(axis=1) for size in sizes]
        )
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return np.nan, np.nan
    low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)


def _wilson(share: float, rows: int) -> tuple[float, float]:
    """Wilson's score interval, which stays sensible for few rows and for shares of 0 and 1, unlike a bootstrap."""
    z = NormalDist().inv_cdf((1 + COVERAGE) / 2)
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
