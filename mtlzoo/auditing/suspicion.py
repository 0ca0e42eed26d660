"""From predictions that have not seen a label to how suspicious it is, by confident learning."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

TOO_FAR = 3.0  # robust deviations at which a number is as suspicious as not


class Suspicion(NamedTuple):
    """What is to be thought of some labels.

    Attributes:
        suspicion: float64 `(rows,)`, 0 to 1; above 0.5 another label is likelier.
        wrong: bool `(rows,)`, which are likely wrong.
    """

    suspicion: np.ndarray
    wrong: np.ndarray


def suspect_classes(ids: np.ndarray, probabilities: np.ndarray) -> Suspicion:
    """How suspicious labels are.

    The suspicion is `(1 + p - q) / 2`, where q is the probability of the label and p that of the likeliest other one (the
    normalised margin of Northcutt, Jiang and Chuang 2021, "Confident learning", turned round). A label is likely wrong if
    confident learning counts it so: another class has at least the probability that rows with its label have on average,
    and it is the likeliest of those that do.

    Args:
        ids: The class of each row, all of them known.
        probabilities: `(rows, classes)`, out of fold.
    """
    rows = np.arange(len(ids))
    own, others = probabilities[rows, ids], probabilities.copy()
    others[rows, ids] = -1
    counts = np.bincount(ids, minlength=probabilities.shape[1])
    thresholds = np.bincount(ids, own, minlength=len(counts)) / np.maximum(counts, 1)
    thresholds[counts == 0] = np.inf
    confident = np.where(probabilities >= np.maximum(thresholds - 1e-6, 1e-6), probabilities, -1)
    best = confident.argmax(axis=1)
    wrong = (confident.max(axis=1) > 0) & (best != ids) & (probabilities.argmax(axis=1) != ids)
    return Suspicion((1 + others.max(axis=1) - own) / 2, wrong)


def suspect_numbers(values: np.ndarray, predictions: np.ndarray) -> Suspicion:
    """How suspicious numbers are.

    With z, the distance from the prediction in robust standard deviations (1.4826 times the median of all distances), it is
    `z² / (z² + 9)`: 0.5 at three deviations, beyond which a number is likely wrong.

    Args:
        values: Numbers, all of them known.
        predictions: Out of fold.
    """
    away = np.abs(values - predictions)
    spread = 1.4826 * float(np.median(away))
    squares = np.square(away / max(spread, 1e-12))
    suspicion = squares / (squares + TOO_FAR**2)
    return Suspicion(suspicion, suspicion > 0.5)
