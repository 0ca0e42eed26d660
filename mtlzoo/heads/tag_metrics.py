"""Metrics of tags over labelled entries, in numpy, beside those of the trivial baseline."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlzoo.heads.binary import area_under_curve


def tag_metrics(main: str, targets: np.ndarray, predictions: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    """What a report says of a head with tags.

    Args:
        main: The main metric: `f1`, `accuracy`, `balanced_accuracy` or `auc`.
        targets: `(rows, tags)`, `-1` or `NaN` where missing.
        predictions: Probabilities `(rows, tags)`.
        given: Which tags are given, bool `(rows, tags)`.

    Returns:
        As :meth:`mtlzoo.heads.Head.evaluate` does.
    """
    labelled = targets >= 0
    truth, answers = (targets >= 0.5) & labelled, given & labelled
    values = {"f1": np.nan, "accuracy": np.nan, "accuracy_baseline": np.nan}
    if main not in values:
        values[main] = np.nan
    if not labelled.any():
        return {"metric": main, "value": np.nan, "baseline": np.nan, "score": np.nan, **values}
    frequent = 2 * truth.sum(axis=0) > labelled.sum(axis=0)
    values["f1"] = _macro_f1(truth, answers)
    values["accuracy"] = _mean_accuracy(truth, answers, labelled)
    values["accuracy_baseline"] = _mean_accuracy(truth, frequent, labelled)
    baseline = {"f1": _macro_f1(truth, labelled), "accuracy": values["accuracy_baseline"]}.get(main, 0.5)
    if main == "balanced_accuracy":
        values[main] = _mean_known(
            [_mean_recall(truth[rows, tag], answers[rows, tag]) for tag, rows in _tags(labelled)]
        )
    if main == "auc":
        values[main] = _mean_known(
            [area_under_curve(truth[rows, tag], predictions[rows, tag]) for tag, rows in _tags(labelled)]
        )
    return {"metric": main, "value": values[main], "baseline": baseline, "score": values[main], **values}


def _tags(labelled: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Each tag and its labelled rows."""
    return list(enumerate(labelled.T))


def _mean_known(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _mean_recall(truth: np.ndarray, answers: np.ndarray) -> float:
    """The mean recall of yes and no, as far as they occur."""
    return _mean_known([float((answers[truth == kind] == kind).mean()) for kind in np.unique(truth)])


def _mean_accuracy(truth: np.ndarray, answers: np.ndarray, labelled: np.ndarray) -> float:
    """The mean over labelled rows of each row's fraction of right tags, as the metric counts."""
    right, known = ((truth == answers) & labelled).sum(axis=-1), labelled.sum(axis=-1)
    return float((right[known > 0] / known[known > 0]).mean())


def _macro_f1(truth: np.ndarray, answers: np.ndarray) -> float:
    """The mean F1 of the tags that are given or true anywhere."""
    right, positives = (truth & answers).sum(axis=0), truth.sum(axis=0) + answers.sum(axis=0)
    seen = positives > 0
    return float((2 * right[seen] / positives[seen]).mean()) if seen.any() else float("nan")
