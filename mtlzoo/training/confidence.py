"""How far a teacher's predictions can be trusted, for one head."""

from __future__ import annotations

import numpy as np

from mtlzoo.heads import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.training.golden_section import minimize

LOWEST, HIGHEST = 0.05, 20.0  # temperatures
SHARE = 2.0  # of a standard deviation: how fast trust falls (SoftMatch)


def fit_temperature(head: Head, predictions: np.ndarray, targets: np.ndarray) -> float:
    """The temperature at which predictions of labelled rows are likeliest.

    Args:
        head: The head.
        predictions: Its outputs, rows on the first axis.
        targets: The labels of these rows, some of them missing.

    Returns:
        Between 0.05 and 20; 1 for heads without probabilities, and where no row is labelled.
    """
    known = head.labelled(targets)
    if not known.any() or "probability" not in head.decode(predictions[:1]):
        return 1.0
    predictions, targets = predictions[known], targets[known]

    def cost(logarithm: float) -> float:
        return _surprise(head, head.at_temperature(predictions, float(np.exp(logarithm))), targets)

    return float(np.exp(minimize(cost, np.log(LOWEST), np.log(HIGHEST))))


def trust(head: Head, predictions: np.ndarray, confidence: str | float, score: float) -> np.ndarray:
    """How much each prediction counts as a label, float32 `(rows,)`, from 0 to 1.

    Args:
        head: The head.
        predictions: Its calibrated outputs, rows on the first axis.
        confidence: As in :class:`mtlzoo.Teach`.
        score: The teacher's score on labelled rows, for heads without probabilities.
    """
    said = head.decode(predictions)
    if "probability" not in said:
        enough = score >= confidence if not isinstance(confidence, str) else True
        return np.full(len(predictions), max(score, 0.0) if enough else 0.0, "float32")
    sure = np.asarray(said["probability"], "float64")
    if confidence == "calibrated":
        return sure.astype("float32")
    if not isinstance(confidence, str):
        return (sure >= confidence).astype("float32")
    ids = head.details(predictions)["class_ids"]
    weights = np.ones(len(sure))
    for each in np.unique(ids) if ids.ndim == 1 else [None]:
        rows = slice(None) if each is None else ids == each
        mean, variance = sure[rows].mean(), sure[rows].var()
        behind = np.maximum(mean - sure[rows], 0) ** 2
        weights[rows] = np.exp(-behind * SHARE**2 / (2 * max(variance, 1e-12)))
    return weights.astype("float32")


def _surprise(head: Head, predictions: np.ndarray, targets: np.ndarray) -> float:
    """The mean negative logarithm of what was predicted of the labels."""
    if isinstance(head, ClassesHead):
        likelihood = np.take_along_axis(head.probabilities(predictions), head.class_ids(targets)[:, None], axis=-1)
    else:  # tags, each by itself
        likelihood = np.where(targets >= 0.5, predictions, 1 - predictions)[targets >= 0]
    return float(-np.log(np.maximum(likelihood, 1e-30)).mean())
