"""What a label of each missing cell of a table is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.evaluation.coverage import SAME, Similarity, choose
from mtlzoo.evaluation.feature_views import Views
from mtlzoo.evaluation.uncertainty import expected_errors, probabilities, rarity, uncertainty
from mtlzoo.heads.conditions import UNKNOWN, YES, asked_by_labels, probability_asked

UNLIKELY = 0.1  # heads that are less probably asked for a row are not asked for it
LEAST = 0.01
GUESSED = 200  # labels that a head's own expected errors have to outweigh
ROWS = 3000  # of a head that are compared with each other


class Cells:
    """The missing cells of a table, and what a label of each is worth.

    Args:
        table: The table, read by the model's heads.
        views: What the models say of its images.
        barred: By head the rows that are not to be asked for, bool `(rows,)`.
        seed: What rows are drawn from where there are too many.
    """

    def __init__(self, table: LabelTable, views: Views, barred: Mapping[str, np.ndarray], seed: int):
        self.views, self.seed, self.names = views, seed, list(table.heads)
        self.similar = Similarity(views.features, seed)
        self.heads, predictions, labels = table.heads, views.predictions, table.labels()
        self.decoded = {name: predictions.heads[name].decode(predictions.in_image_space[name]) for name in self.names}
        self.labelled = {name: head.labelled(labels[name]) for name, head in table.heads.items()}
        states, predicted = (
            asked_by_labels(table.heads, labels),
            probability_asked(predictions.heads, predictions.outputs),
        )
        self.chance = {name: np.ones(len(table)) for name in self.names}
        for name, state in states.items():
            self.chance[name] = np.where(state == UNKNOWN, predicted.get(name, 1.0), state == YES).astype("float64")
        self.open = {
            name: np.flatnonzero(~self.labelled[name] & ~barred[name] & (self.chance[name] >= UNLIKELY))
            for name in self.names
        }
        self.errors = self._expected_errors()

    def _expected_errors(self) -> dict[str, float]:
        """The part of each head's missing labels that the model expects to get wrong.

        A network that has seen few labels is often too sure of itself, so the mean of all heads counts as well, as if it was
        a guess after so many labels. Numbers and places have that alone.
        """
        own = {name: expected_errors(self.heads[name], self.views.predictions.outputs[name]) for name in self.names}
        known = {
            name: float(np.average(errors[self.open[name]], weights=self.chance[name][self.open[name]]))
            for name, errors in own.items()
            if errors is not None and len(self.open[name])
        }
        mean = max(float(np.mean(list(known.values()))), LEAST) if known else 1.0
        counts = {name: int(self.labelled[name].sum()) for name in self.names}
        return {
            name: (counts[name] * known.get(name, mean) + GUESSED * mean) / (counts[name] + GUESSED)
            for name in self.names
        }

    def of_head(self, name: str, most: int) -> Iterator[tuple[float, int, int]]:
        """The cells of a head, at most so many: what each is worth, negated, the place of the head, and the row."""
        head, place = self.heads[name], self.names.index(name)
        rng = np.random.default_rng([self.seed, place])
        rows = _some(self.open[name], max(ROWS, most), rng)
        known = _some(np.flatnonzero(self.labelled[name]), 2 * ROWS, rng)
        if not len(rows):
            return
        chance, told = self.chance[name][rows], probabilities(head, self.views.predictions.outputs[name])
        same, near = self.similar(rows, rows), self.similar(rows, known)
        fresh = near.max(axis=1, initial=0) < 1 - SAME
        alike, covered = same * _agreement(told, rows, rows), near * _agreement(told, rows, known)
        weights = uncertainty(head, [view[rows] for view in self.views.outputs[name]]) * chance
        if told is not None:
            weights *= rarity(told[rows], chance)
        labels = float(self.labelled[name].sum() + 1)
        # An answer that the head is not asked for is a question wasted.
        choice = choose(alike, same, covered.max(axis=1, initial=0), weights, chance**2 * fresh)
        for number, (row, gain) in enumerate(islice(choice, most)):
            if gain <= 0:
                return
            # By one label more, where errors fall with the root of the number of labels.
            now = labels + number
            yield -self.errors[name] * (labels / now) ** 0.5 / (2 * now), place, int(rows[row])


def _agreement(told: np.ndarray | None, rows: np.ndarray, others: np.ndarray) -> np.ndarray | float:
    """How alike what is predicted is, from 0 to 1 (Bhattacharyya's coefficient): other classes do not cover each other."""
    if told is None:
        return 1.0
    roots = np.sqrt(told).reshape(len(told), -1).astype("float32")
    return np.clip(roots[rows] @ roots[others].T / told.shape[1], 0, 1)


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))
