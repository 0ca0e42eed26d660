"""What is known of a row's class beside what the teacher sees in its image, and how far that is to be believed."""

from __future__ import annotations

import numpy as np

from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.golden_section import minimize
from mtlzoo.heads.teachable import SMALLEST

MOST = 4.0  # the largest exponent
RIDGE = 1.0  # what an exponent of 1 costs, in nats: a few validation rows do not make a large one


def log_probabilities(head: ClassesHead, outputs: np.ndarray) -> np.ndarray:
    """The logarithm of each class's probability, float64 `(rows, classes)`."""
    return np.log(np.maximum(head.probabilities(outputs).astype("float64"), SMALLEST))


def fit_exponent(logarithms: np.ndarray, told: np.ndarray, truth: np.ndarray) -> float:
    """The exponent of some evidence for which the labels are likeliest.

    Args:
        logarithms: Of the probabilities that the teacher gives each class, `(rows, classes)`.
        told: The evidence: logarithms of likelihood ratios, of the same shape.
        truth: The class of each row, -1 where nobody labelled it.

    Returns:
        From 0, it tells nothing that the teacher does not know, to 4.
    """
    known = truth >= 0
    if not known.any() or not told[known].any():
        return 0.0

    def cost(exponent: float) -> float:
        sums = logarithms[known] + exponent * told[known]
        sums -= np.logaddexp.reduce(sums, axis=-1, keepdims=True)
        surprise = float(-np.take_along_axis(sums, truth[known, None], axis=-1).mean())
        return surprise + RIDGE * exponent**2 / known.sum()

    found = minimize(cost, 0.0, MOST)
    return found if cost(found) < cost(0.0) else 0.0


def with_evidence(head: ClassesHead, outputs: np.ndarray, told: np.ndarray, exponent: float) -> np.ndarray:
    """Outputs of a head with some evidence in them, in the shape that they had."""
    if not exponent:
        return outputs
    sums = log_probabilities(head, outputs) + exponent * told
    found = np.exp(sums - np.logaddexp.reduce(sums, axis=-1, keepdims=True)).astype("float32")
    return found if outputs.shape[-1] == found.shape[-1] else found[:, 1:]  # one output for two classes
