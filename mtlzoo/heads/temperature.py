"""The temperature at which a head's probabilities are worth what they say (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtlzoo.heads.base import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.detection import DetectionHead
from mtlzoo.heads.detections import LEAST_SCORE, find_hits
from mtlzoo.heads.golden_section import minimize
from mtlzoo.heads.multilabel import MultiLabelHead
from mtlzoo.heads.teachable import SMALLEST, sigmoid_at

LOWEST, HIGHEST = 0.05, 20.0  # temperatures
RIDGE = 0.1  # what a logarithm of 1 costs, in nats: a few rows do not make an extreme temperature


def has_temperature(head: Head) -> bool:
    """Whether a head predicts probabilities of classes, tags or objects, which a temperature calibrates."""
    return isinstance(head, ClassesHead | MultiLabelHead | DetectionHead)


def fit_temperature(head: Head, predictions: np.ndarray, targets: np.ndarray) -> float:
    """The temperature at which predictions of labelled rows are likeliest; of objects it is that they hit.

    Args:
        head: The head.
        predictions: Its outputs, rows on the first axis.
        targets: The labels of these rows, some of them missing.

    Returns:
        Between 0.05 and 20; 1 for heads without probabilities, and where no row is labelled.
    """
    known = head.labelled(targets)
    if not known.any() or not has_temperature(head):
        return 1.0
    predictions, targets = predictions[known], targets[known]
    if isinstance(head, DetectionHead):
        sure, right = find_hits(targets, predictions, LEAST_SCORE, head.nms_iou_threshold)
        return _likeliest(lambda at: _surprise_of_tags(sigmoid_at(sure, at), right), len(targets)) if len(sure) else 1.0
    return _likeliest(lambda at: _surprise(head, head.at_temperature(predictions, at), targets), len(targets))


def _likeliest(surprise: Callable[[float], float], rows: int) -> float:
    """The temperature of the least surprise, nearer to 1 where there are few rows."""

    def cost(logarithm: float) -> float:
        return surprise(float(np.exp(logarithm))) + RIDGE * logarithm**2 / rows

    return float(np.exp(minimize(cost, np.log(LOWEST), np.log(HIGHEST))))


def _surprise(head: Head, predictions: np.ndarray, targets: np.ndarray) -> float:
    """The mean negative logarithm of what was predicted of the labels, and of one row more, of which nobody knows the label.

    That row keeps a few that are all predicted right from making the network sure of everything (Platt 1999).
    """
    if not isinstance(head, ClassesHead):
        return _surprise_of_tags(predictions, targets)
    surprises = -np.log(np.maximum(head.probabilities(predictions), SMALLEST))
    told = np.take_along_axis(surprises, head.class_ids(targets)[:, None], axis=-1)
    return float((told.sum() + surprises.mean()) / (told.size + 1))


def _surprise_of_tags(predictions: np.ndarray, targets: np.ndarray) -> float:
    """The same of what is true or not, each by itself."""
    yes, no = (-np.log(np.maximum(each, SMALLEST)) for each in (predictions, 1 - predictions))
    told = np.where(targets >= 0.5, yes, no)[targets >= 0]
    return float((told.sum() + (yes + no)[targets >= 0].mean() / 2) / (told.size + 1))
