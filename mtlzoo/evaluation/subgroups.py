"""The metrics of each head in each group of images: of women and men, of the old and the young, of every camera."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.evaluation.grouping import Groups
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.row_metrics import row_values

ALL = "all"
COVERAGE = 0.95
RESAMPLES = 1000
DRAWN_AT_ONCE = 2_000_000  # numbers, so that a large group needs no more memory than a small one


def report_groups(pairs: Mapping[str, LabelledOutputs], blocks: Mapping[str, Groups]) -> pd.DataFrame:
    """One row for each group and head, all rows as the first group.

    Args:
        pairs: Outputs and labels by the name of the head.
        blocks: Groups by what they are grouped by, as :func:`group_rows` makes them.

    Returns:
        The data frame that :meth:`Predictions.groups` describes.
    """
    total = len(next(iter(pairs.values())).labelled)
    blocks = {ALL: {ALL: np.ones(total, bool)}, **blocks}
    records = {name: _group_metrics(pair, blocks) for name, pair in pairs.items()}
    keys = [(block, group, name) for block, groups in blocks.items() for group in groups for name in records]
    return pd.DataFrame([records[name][block, group] for block, group, name in keys], index=_index(keys))


def _index(keys: Sequence[tuple[str, str, str]]) -> pd.MultiIndex:
    """An index whose order is that of the keys: pandas warns of look-ups in one that is not sorted."""
    levels = [list(dict.fromkeys(column)) for column in zip(*keys)]
    codes = [[level.index(key) for key in column] for level, column in zip(levels, zip(*keys))]
    return pd.MultiIndex(levels, codes, names=["by", "group", "head"])


def _group_metrics(pair: LabelledOutputs, blocks: Mapping[str, Groups]) -> dict[tuple[str, str], dict[str, Any]]:
    """The metrics of one head in every group."""
    labelled = np.flatnonzero(pair.labelled)
    overall = pair.compute_metrics(labelled if len(labelled) else None)  # NaN without labels
    values = row_values(pair, labelled, overall["metric"], overall["value"])
    records = {}
    for block, groups in blocks.items():
        for group, inside in groups.items():
            rows = np.flatnonzero(pair.labelled & inside)
            metrics = pair.compute_metrics(rows) if len(rows) else {"value": np.nan, "score": np.nan}
            low, high = _interval(pair, rows, values)
            records[block, group] = {
                "labelled": len(rows),
                "metric": overall["metric"],
                "value": float(metrics["value"]),
                "low": low,
                "high": high,
                "score": float(metrics["score"]),
                "gap": float(metrics["value"] - overall["value"]),
            }
    return records


def _interval(pair: LabelledOutputs, rows: np.ndarray, values: np.ndarray | None) -> tuple[float, float]:
    """The 95 % interval of the metric over some rows, given the values of all rows where their mean is the metric."""
    if len(rows) < 2:
        return np.nan, np.nan
    if values is None:
        return _bootstrap(rows, lambda drawn: pair.compute_metrics(drawn)["value"])
    known = values[rows][~np.isnan(values[rows])]
    if len(known) < 2:
        return np.nan, np.nan
    if np.isin(values[~np.isnan(values)], (0, 1)).all():
        # Wilson's score interval stays sensible for few rows and for proportions of 0 and 1, unlike a bootstrap.
        from scipy import stats  # takes a second to load

        wilson = stats.binomtest(int(known.sum()), len(known)).proportion_ci(COVERAGE, method="wilson")
        return float(wilson.low), float(wilson.high)
    return _bootstrap(known)


def _bootstrap(sample: np.ndarray, statistic: Callable[[np.ndarray], float] | None = None) -> tuple[float, float]:
    """The percentile interval of a statistic of a sample, by default of its mean; resamples without a value are left out."""
    from scipy import stats

    result = stats.bootstrap(
        (sample,),
        statistic or np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, DRAWN_AT_ONCE // len(sample)),
        vectorized=statistic is None,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    drawn = result.bootstrap_distribution[~np.isnan(result.bootstrap_distribution)]
    if not len(drawn):
        return np.nan, np.nan
    low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
