"""Rows that stand for many others: a greedy choice of few rows that cover what a network is unsure of."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

PARTS = 128  # principal components that distances are taken in
SAMPLE = 2000
SAME = 1e-4  # less than this below full similarity is the same image


class Similarity:
    """How alike the images of rows are: 1 for the same image, falling to 0 with the distance of their features.

    Features are standardised, reduced to their main components and scaled to length 1; the similarity is a Gaussian with
    half of the median distance for its width.

    Args:
        features: `(rows, features)`.
        seed: What the rows are drawn from that scales are taken of.
    """

    def __init__(self, features: np.ndarray, seed: int = 0):
        rows = np.random.default_rng(seed).permutation(len(features))[:SAMPLE]
        scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
        components = np.linalg.svd(scaled[rows], full_matrices=False)[2][:PARTS]
        self.points = np.asarray(scaled @ components.T, "float64")
        self.points /= np.linalg.norm(self.points, axis=1, keepdims=True) + 1e-12
        away = self._squares(rows, rows)[np.triu_indices(len(rows), 1)]
        self.width = float(np.median(away[away > SAME])) / 4 if (away > SAME).any() else 0.0

    def __call__(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """The similarities of some rows to others, `(rows, others)`; rows are alike only to themselves if all are alike."""
        if not self.width:
            return (rows[:, None] == others[None]).astype("float32")
        return np.exp(-self._squares(rows, others) / (2 * self.width)).astype("float32")

    def _squares(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        one, other = self.points[rows], self.points[others]
        sizes = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
        return np.maximum(sizes - 2 * one @ other.T, 0)


def choose(
    alike: np.ndarray, same: np.ndarray, covered: np.ndarray, weights: np.ndarray, chance: np.ndarray
) -> Iterator[tuple[int, float]]:
    """Choose rows one after the other, each the one that adds most to what is covered.

    What is covered is the sum over all rows of their weight times their similarity to the nearest chosen row (facility
    location, of which a greedy choice has at least 63 % of the best: Nemhauser, Wolsey and Fisher 1978; by uncertainty: Wei,
    Iyer and Bilmes 2015).

    Args:
        alike: Similarities `(rows, rows)` by which rows cover each other.
        same: Those by which they are the same image.
        covered: How far each row is covered at first, 0 to 1, `(rows,)`.
        weights: What it is worth that a row is covered, `(rows,)`.
        chance: What the worth of a choice is multiplied by, `(rows,)`.

    Yields:
        The position of each row, and what it adds, which never rises. A row that shows the same image as an earlier one is
        left out.
    """
    covered, left = covered.copy(), np.ones(len(alike), bool)

    def gain(row: int) -> float:
        return float(weights @ np.maximum(alike[row] - covered, 0) * chance[row])

    waiting = [(-gain(row), row) for row in range(len(alike))]
    heapq.heapify(waiting)
    while waiting:
        _, row = heapq.heappop(waiting)
        now = gain(row)  # less than it was; still the best if it is above what all others were
        if waiting and left[row] and -now > waiting[0][0]:
            heapq.heappush(waiting, (-now, row))
        elif left[row]:
            covered, left = np.maximum(covered, alike[row]), left & (same[row] < 1 - SAME)
            left[row] = False
            yield row, now
