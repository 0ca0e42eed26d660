"""How unsure networks are of each row, head by head: what a label there could change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlzoo.heads import Head

LEAST = 0.01  # of a row that a network is sure of, so that rows are still chosen to cover all images
TINY = 1e-12


def probabilities(head: Head, outputs: np.ndarray) -> np.ndarray | None:
    """The probabilities that outputs tell, `(rows, questions, answers)`; `None` for numbers and places.

    Classes are one question with an answer for each class, tags are a question each with two answers.
    """
    details = head.details(outputs)
    if "probabilities" not in details or details["class_ids"].dtype == object:
        return None
    found = np.clip(np.asarray(details["probabilities"], "float64"), 0, 1)
    if details["class_ids"].ndim == 1:
        return found[:, None]
    return np.stack([1 - found, found], axis=-1)


def uncertainty(head: Head, views: Sequence[np.ndarray]) -> np.ndarray:
    """How unsure networks are of each row, from nearly 0 to 1.

    Args:
        head: The head.
        views: Its outputs `(rows, ...)`, one array for each network and view.

    Returns:
        `(rows,)`. For classes and tags of one view: one less the probability of the answer, over the most that it can be.
        Of several views: their mutual information, the entropy of the mean less the mean of the entropies, over the most
        that it can be (Houlsby et al. 2011, arXiv:1112.5745). For numbers and places of several views: their standard
        deviation over that of all rows. One network says nothing of how far its numbers are off: 1 for all rows, which are
        then chosen by their features alone.

    Example:

    ```python
    head = mtl.ClassificationHead(["cat", "dog"])
    mtl.evaluation.uncertainty.uncertainty(head, [np.array([[1.0, 0.0], [0.5, 0.5]])])  # [0.01, 1]
    ```
    """
    told = [probabilities(head, view) for view in views]
    if told[0] is None:
        return np.ones(len(views[0])) if len(views) == 1 else _spread(np.asarray(views, "float64"))
    of_views = np.asarray(told)
    answers = of_views.shape[-1]
    if len(of_views) == 1:
        unsure = (1 - of_views[0].max(axis=-1)) * answers / (answers - 1)
    else:
        most = np.log(min(answers, len(of_views)))
        unsure = (_entropy(of_views.mean(axis=0)) - _entropy(of_views).mean(axis=0)) / most
    return np.clip(unsure.mean(axis=-1), LEAST, 1)


def expected_errors(head: Head, outputs: np.ndarray) -> np.ndarray | None:
    """The fraction of a row's answers that are wrong, if probabilities are right: `(rows,)`, `None` for numbers."""
    told = probabilities(head, outputs)
    return None if told is None else (1 - told.max(axis=-1)).mean(axis=-1)


def rarity(told: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """How rare the answers are that a row may have, 1 where all are as frequent: `(rows,)`.

    Args:
        told: From :func:`probabilities`.
        chance: The probability that each row is asked, `(rows,)`.
    """
    frequency = np.average(told, axis=0, weights=chance) + LEAST
    return (told / frequency).mean(axis=(-2, -1))


def _entropy(told: np.ndarray) -> np.ndarray:
    return -(told * np.log(told + TINY)).sum(axis=-1)


def _spread(views: np.ndarray) -> np.ndarray:
    """The standard deviation of each row's views, over that of the rows; one number a row."""
    views = views.reshape(len(views), views.shape[1], -1)
    spread = views.std(axis=0) / (views.mean(axis=0).std(axis=0) + TINY)
    return np.clip(spread.mean(axis=-1), LEAST, 1)
