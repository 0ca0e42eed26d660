"""What the labels of images that look alike tell of one that is missing.

Images come in series: of one garment, one shelf, one slide. A label of one of them is most likely that of the others too,
which a network that has seen few labels need not have found out. Labels are spread along the nearest neighbours in the
teacher's features (Zhou et al. 2004, "Learning with local and global consistency"). How much they tell is found out on
validation rows, which is too little where these are of other series than the training rows, and safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mtlzoo.heads.classes import ClassesHead

NEAREST = 10  # neighbours
POWER = 30  # of their cosine: how fast their say falls with distance
KEPT = 0.8  # of what neighbours say goes on to theirs
STEPS = 10
LITTLE = 0.01  # how much is said where no label is near: what is usual
CHANNELS = 128  # to which features are projected
MOST_ROWS = 30_000  # beyond which looking for neighbours takes longer than training
CHUNK = 1024

Evidence = dict[str, np.ndarray]


class Graph(NamedTuple):
    """The nearest rows of each row, `(rows, neighbours)`, and how much each of them has to say, summing to 1."""

    nearest: np.ndarray
    says: np.ndarray


def spread_labels(
    features: np.ndarray, others: np.ndarray, heads: Mapping[str, ClassesHead], labels: Mapping[str, np.ndarray]
) -> tuple[Evidence, Evidence]:
    """What the labels of neighbours among the training images tell of each image.

    Args:
        features: The teacher's of the training images, float `(rows, channels)`.
        others: Likewise of the validation images.
        heads: The heads by name.
        labels: Encoded targets of the training rows by head.

    Returns:
        For each head the logarithms of likelihood ratios `(rows, classes)`, of the training and of the validation images;
        a row's own label is not among those that tell of it.
    """
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(features.shape[1], min(CHANNELS, features.shape[1]))).astype("float32")
    unit = _unit(features @ turn)
    among, of_others = _nearest(unit, unit, itself=True), _nearest(_unit(others @ turn), unit)
    ids = {name: head.strata(labels[name]) for name, head in heads.items()}
    counts = {name: len(head.names) for name, head in heads.items()}
    given = np.concatenate(
        [np.eye(counts[name] + 1, dtype="float32")[found][:, :-1] for name, found in ids.items()], axis=1
    )
    spread = given
    for _ in range(STEPS):
        spread = KEPT * _look(spread, among) + (1 - KEPT) * given
    usual = {name: _usual(found, counts[name]) for name, found in ids.items()}
    return _ratios(_look(spread, among), usual), _ratios(_look(spread, of_others), usual)


def _unit(features: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), "float32")


def _nearest(of: np.ndarray, among: np.ndarray, itself: bool = False) -> Graph:
    count = min(NEAREST, len(among) - itself)
    places, says = np.empty((len(of), count), "int64"), np.empty((len(of), count), "float32")
    for start in range(0, len(of), CHUNK):
        cosines = of[start : start + CHUNK] @ among.T
        if itself:
            cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -np.inf
        found = np.argpartition(cosines, -count, axis=1)[:, -count:]
        places[start : start + CHUNK] = found
        says[start : start + CHUNK] = np.maximum(np.take_along_axis(cosines, found, axis=1), 0.1) ** POWER
    return Graph(places, says / says.sum(axis=1, keepdims=True))


def _look(spread: np.ndarray, graph: Graph) -> np.ndarray:
    """What the neighbours of each row say together, `(rows, classes)`."""
    total = np.zeros((len(graph.nearest), spread.shape[1]), "float32")
    for place in range(graph.nearest.shape[1]):
        total += graph.says[:, place, None] * spread[graph.nearest[:, place]]
    return total


def _usual(ids: np.ndarray, count: int) -> np.ndarray:
    """How frequent each class is, none of them never."""
    seen = np.bincount(ids[ids >= 0], minlength=count) + 1.0
    return seen / seen.sum()


def _ratios(said: np.ndarray, usual: Mapping[str, np.ndarray]) -> Evidence:
    parts = np.split(said, np.cumsum([len(each) for each in usual.values()])[:-1], axis=1)
    return {
        name: np.log((of_head + LITTLE * prior) / (of_head.sum(axis=1, keepdims=True) + LITTLE) / prior)
        for (name, prior), of_head in zip(usual.items(), parts)
    }
