"""The temperature at which a head's probabilities are worth what they say (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import numpy as np

from mtlzoo.heads.base import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.golden_section import minimize
from mtlzoo.heads.multilabel import MultiLabelHead
from mtlzoo.heads.teachable import SMALLEST

LOWEST, HIGHEST = 0.05, 20.0  # temperatures
RIDGE = 0.1  # what a logarithm of 1 costs, in nats: a few rows do not make an extreme temperature


def has_temperature(head: Head) -> bool:
    """Whether a head predicts probabilities of classes or tags, which a temperature calibrates."""
    return isinstance(head, ClassesHead | MultiLabelHead)


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
        surprise = _surprise(head, head.at_temperature(predictions, float(np.exp(logarithm))), targets)
        return surprise + RIDGE * logarithm**2 / len(targets)

    return float(np.exp(minimize(cost, np.log(LOWEST), np.log(HIGHEST))))


def _surprise(head: Head, predictions: np.ndarray, targets: np.ndarray) -> float:
    """The mean negative logarithm of what was predicted of the labels."""
    if isinstance(head, ClassesHead):
        likelihood = np.take_along_axis(head.probabilities(predictions), head.class_ids(targets)[:, None], axis=-1)
    else:  # tags, each by itself
        likelihood = np.where(targets >= 0.5, predictions, 1 - predictions)[targets >= 0]
    return float(-np.log(np.maximum(likelihood, SMALLEST)).mean())
