"""How far a teacher's predictions can be trusted, for one head."""

from __future__ import annotations

import numpy as np

from mtlzoo.heads import Head

SHARE = 2.0  # of a standard deviation: how fast trust falls (SoftMatch)


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
