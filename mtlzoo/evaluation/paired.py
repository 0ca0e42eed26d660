"""Several runs on the same rows: how far their metrics are apart, and whether that is more than chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtlzoo.errors import InputError, TableError
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.evaluation.resampling import bootstrap_interval, draw_counts, holm, p_value
from mtlzoo.evaluation.shared_rows import differing_labels, table_of
from mtlzoo.evaluation.statistics import NOT_APPLICABLE_F1, Statistic, applicability_statistics, head_statistic
from mtlzoo.heads.texts import is_missing

ALL, SCORE = "all heads", "mean score"
FEW = 10  # labelled units, below which nothing is said of a difference
BETTER, WORSE, EQUAL, TOO_FEW = "better", "worse", "no real difference", "too few rows"
# Together with Holm's correction, so that the smallest p-value that resamples can give is well below 0.05.
LEAST_RESAMPLES, RESAMPLES_A_QUESTION = 2000, 100


class Paired(NamedTuple):
    """What :func:`compare_rows` finds.

    Attributes:
        frame: A row for each head, metric and run.
        units: How many units were drawn from.
        notes: What was left out, and why.
    """

    frame: pd.DataFrame
    units: int
    notes: tuple[str, ...]


def compare_rows(
    runs: Mapping[str, Predictions], group: str | None = None, coverage: float = 0.95, seed: int = 0
) -> Paired:
    """Compare runs on the same rows with a paired bootstrap, each with the first.

    Args:
        runs: Predictions of the same rows in the same order.
        group: A column; rows with the same value are drawn together.
        coverage: That of intervals.
        seed: What resamples are drawn from.

    Raises:
        InputError: If the runs have no head with the same metric in common.
        TableError: If there is no such column.
    """
    unit_of = _units(runs, group)
    statistics, notes = _statistics(runs, unit_of)
    if not statistics:
        raise InputError(
            f"Expected runs with a head in common that has labels, received: {', '.join(runs)}. {' '.join(notes)}"
        )
    units, names = int(unit_of.max()) + 1, list(runs)
    questions = (len(statistics) + 1) * (len(names) - 1)
    resamples = max(LEAST_RESAMPLES, RESAMPLES_A_QUESTION * questions)
    drawn = _draw(statistics, len(names), units, resamples, seed)  # (statistics, runs, 1 + resamples)
    records = [
        record
        for statistic, values in zip(statistics, drawn, strict=True)
        for record in _records(statistic, names, values, coverage)
    ]
    main = [place for place, each in enumerate(statistics) if _is_main(each)]
    with np.errstate(invalid="ignore"):
        scores = np.asarray([[statistics[place].score(values) for values in drawn[place]] for place in main])
    labelled = sum(statistics[place].labelled for place in main)
    overall = Statistic(ALL, SCORE, labelled, units, (), lambda value: value)
    records += _records(overall, names, _mean_known(scores), coverage)
    return Paired(_judged(pd.DataFrame(records), coverage), units, tuple(notes))


def _units(runs: Mapping[str, Predictions], group: str | None) -> np.ndarray:
    """The unit of each row: the row itself, or all that have the same value in a column; empty cells are by themselves."""
    name, run = next(iter(runs.items()))
    table = table_of(name, run)
    if group is None:
        return np.arange(len(table))
    if group not in table.frame:
        raise TableError(
            f"{table.source}: no column {group!r} of rows that belong together; the columns are: "
            f"{', '.join(map(str, table.frame))}."
        )
    keys = [(row,) if is_missing(cell) else str(cell) for row, cell in enumerate(table.frame[group].tolist())]
    return pd.factorize(pd.Series(keys, dtype=object))[0]


def _statistics(runs: Mapping[str, Predictions], unit_of: np.ndarray) -> tuple[list[Statistic], list[str]]:
    pairs = {name: run.with_labels(table_of(name, run).for_heads(run.heads)) for name, run in runs.items()}
    every = list(dict.fromkeys(head for heads in pairs.values() for head in heads))
    found, notes = [], []
    for head in every:
        without = [name for name, heads in pairs.items() if head not in heads]
        if without:
            notes.append(f"{head}: not compared, since {', '.join(without)} has no such head.")
            continue
        own = [heads[head] for heads in pairs.values()]
        metrics = [str(pair.compute_metrics()["metric"]) for pair in own]
        if len(set(metrics)) > 1:
            notes.append(f"{head}: not compared, since the runs measure it by {', '.join(dict.fromkeys(metrics))}.")
            continue
        rows = _comparable(runs, head, own, notes)
        if len(rows):
            found.append(head_statistic(head, own, rows, unit_of))
        else:
            notes.append(f"{head}: not compared, since no row has a label.")
    found += applicability_statistics(list(pairs.values()), unit_of)
    return found, notes


def _comparable(
    runs: Mapping[str, Predictions], head: str, pairs: Sequence[LabelledOutputs], notes: list[str]
) -> np.ndarray:
    """The rows that have the same label of a head in all runs."""
    labelled = np.asarray([pair.labelled for pair in pairs])
    other = differing_labels(runs, head) & labelled.any(axis=0)
    if other.any():
        notes.append(f"{head}: {other.sum():,} rows are left out, since their labels are not the same in all tables.")
    asked = labelled.any(axis=0) & ~labelled.all(axis=0) & ~other
    if asked.any():
        notes.append(f"{head}: {asked.sum():,} rows are left out, for which not all runs ask it.")
    return np.flatnonzero(labelled.all(axis=0) & ~other)


def _draw(statistics: Sequence[Statistic], runs: int, units: int, resamples: int, seed: int) -> np.ndarray:
    """Each metric of each run, first as it is and then in each resample; the same resamples for all."""
    values = np.empty((len(statistics), runs, resamples + 1))
    start = 0
    for counts in itertools.chain([np.ones((1, units), "int64")], draw_counts(units, resamples, seed)):
        for place, statistic in enumerate(statistics):
            for run in range(runs):
                values[place, run, start : start + len(counts)] = statistic.values[run](counts)
        start += len(counts)
    return values


def _records(
    statistic: Statistic, names: Sequence[str], values: np.ndarray, coverage: float
) -> list[dict[str, object]]:
    """A row for each run; values `(runs, 1 + resamples)`."""
    scored = np.asarray([statistic.score(each[:1]) for each in values])[:, 0]
    records = []
    for run, name in enumerate(names):
        low, high = bootstrap_interval(values[run, 1:], statistic.units, coverage)
        record = {
            "head": statistic.head,
            "metric": statistic.metric,
            "run": name,
            "labelled": statistic.labelled,
            "units": statistic.units,
            "value": values[run, 0],
            "low": low,
            "high": high,
            "gain": scored[run] - scored[0],
        }
        if run:
            difference = values[run] - values[0]
            low, high = bootstrap_interval(difference[1:], statistic.units, coverage)
            enough = statistic.units >= FEW
            record |= {"difference": difference[0], "difference_low": low, "difference_high": high}
            record["p"] = p_value(difference[1:], statistic.units) if enough else np.nan
        records.append(record)
    return records


def _judged(frame: pd.DataFrame, coverage: float) -> pd.DataFrame:
    """With corrected p-values, those of heads and those of all heads together by themselves, and what they mean."""
    frame["p_corrected"] = np.nan
    for rows in (frame["head"] == ALL, frame["head"] != ALL):
        frame.loc[rows, "p_corrected"] = holm(frame.loc[rows, "p"].to_numpy("float64"))
    real, compared = frame["p_corrected"] < 1 - coverage, frame["difference"].notna()
    frame["verdict"] = np.select(
        [~compared, frame["p"].isna(), real & (frame["gain"] > 0), real & (frame["gain"] < 0)],
        ["", TOO_FEW, BETTER, WORSE],
        EQUAL,
    )
    return frame.drop(columns=["gain", "units"])


def _is_main(statistic: Statistic) -> bool:
    return statistic.metric != NOT_APPLICABLE_F1


def _mean_known(scores: np.ndarray) -> np.ndarray:
    """The mean over the first axis of what is not `NaN`."""
    known = ~np.isnan(scores)
    counted = known.sum(axis=0)
    return np.divide(np.nansum(scores, axis=0), counted, out=np.full(counted.shape, np.nan), where=counted > 0)
