"""What is compared between runs: a metric of a head as a function of how often each row counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlzoo.evaluation.applicability import applicability_counts
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.row_metrics import row_values
from mtlzoo.heads import Head

NOT_APPLICABLE_F1 = "not_applicable_f1"

Values = Callable[[np.ndarray], np.ndarray]
"""From counts `(resamples, units)` to the metric in each resample `(resamples,)`."""


@dataclass(frozen=True)
class Statistic:
    """One metric of one head, for each of several runs.

    Attributes:
        head: The name of the head.
        metric: The name of the metric.
        labelled: How many rows count.
        units: In how many units (rows, or groups of rows) these are.
        values: For each run its metric of resamples.
        score: From the metric to a scale on which higher is better.
    """

    head: str
    metric: str
    labelled: int
    units: int
    values: Sequence[Values]
    score: Callable[[np.ndarray], np.ndarray]


def head_statistic(name: str, pairs: Sequence[LabelledOutputs], rows: np.ndarray, unit_of: np.ndarray) -> Statistic:
    """The main metric of a head in several runs.

    Args:
        name: The head's name.
        pairs: Its outputs and labels in each run, of the same rows, all of which have the same metric.
        rows: The positions of the rows that count, labelled in all runs.
        unit_of: The unit of each row, `(all rows,)`, counted from 0.
    """
    overall = [pair.compute_metrics(rows) for pair in pairs]
    values = [_metric(pair, rows, each, unit_of) for pair, each in zip(pairs, overall, strict=True)]
    score = _scorer(pairs[0].head)
    return Statistic(name, str(overall[0]["metric"]), len(rows), len(np.unique(unit_of[rows])), values, score)


def applicability_statistics(runs: Sequence[Mapping[str, LabelledOutputs]], unit_of: np.ndarray) -> Iterator[Statistic]:
    """The F1 of "not applicable" of each head that is not always asked, in several runs."""
    counts = [applicability_counts(run) for run in runs]
    for name in counts[0]:
        if all(name in each for each in counts):
            values = [_ratio(2.0 * both, either, unit_of) for both, either in (each[name] for each in counts)]
            rows = np.flatnonzero(np.any([each[name][1] > 0 for each in counts], axis=0))
            yield Statistic(
                name, NOT_APPLICABLE_F1, len(rows), len(np.unique(unit_of[rows])), values, lambda value: value
            )


def _metric(pair: LabelledOutputs, rows: np.ndarray, overall: Mapping[str, float], unit_of: np.ndarray) -> Values:
    values = row_values(pair, rows, str(overall["metric"]), overall["value"])
    if values is not None:
        return _ratio(np.nan_to_num(values), ~np.isnan(values), unit_of)

    def computed(counts: np.ndarray) -> np.ndarray:
        found = np.full(len(counts), np.nan)
        for place, times in enumerate(counts[:, unit_of[rows]]):
            if times.any():
                found[place] = pair.compute_metrics(np.repeat(rows, times))["value"]
        return found

    return computed


def _ratio(above: np.ndarray, below: np.ndarray, unit_of: np.ndarray) -> Values:
    """A metric that is one sum over rows divided by another, which takes two products of matrices."""
    units = int(unit_of.max()) + 1
    tops = np.bincount(unit_of, weights=np.asarray(above, "float64"), minlength=units)
    bottoms = np.bincount(unit_of, weights=np.asarray(below, "float64"), minlength=units)

    def computed(counts: np.ndarray) -> np.ndarray:
        total = counts @ bottoms
        return np.divide(counts @ tops, total, out=np.full(len(counts), np.nan), where=total > 0)

    return computed


def _scorer(head: Head) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.asarray([head.score(value) for value in values], "float64")
