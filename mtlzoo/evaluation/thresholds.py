"""The threshold of one question, chosen on rows whose answer is known: by F1, recall, precision or cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

FEWEST = 10  # rows of either answer, below which a threshold says more of these rows than of others
COSTS = ("miss", "false alarm")


@dataclass(frozen=True)
class Counts:
    """What each threshold would do with the rows.

    Attributes:
        thresholds: Ascending, float64 `(thresholds,)`; between any two neighbouring probabilities there is one.
        hits: Rows that are rightly answered with yes, `(thresholds,)`.
        alarms: Rows that are wrongly answered with yes, `(thresholds,)`.
        positives: Rows whose answer is yes.
        negatives: Rows whose answer is no.
    """

    thresholds: np.ndarray
    hits: np.ndarray
    alarms: np.ndarray
    positives: int
    negatives: int

    @property
    def recall(self) -> np.ndarray:
        """How many of those that are yes are answered so; `NaN` if there are none."""
        return self.hits / self.positives if self.positives else np.full(len(self.hits), np.nan)

    @property
    def precision(self) -> np.ndarray:
        """How many of those that are answered with yes are; `NaN` where there are none."""
        given = self.hits + self.alarms
        return np.divide(self.hits, given, out=np.full(len(given), np.nan), where=given > 0)

    @property
    def f1(self) -> np.ndarray:
        """The harmonic mean of both; `NaN` where nothing is yes or answered so."""
        total = self.hits + self.alarms + self.positives
        return np.divide(2 * self.hits, total, out=np.full(len(total), np.nan), where=total > 0)

    def cost(self, costs: Mapping[str, float]) -> np.ndarray:
        """The cost of a row on average."""
        total = costs["miss"] * (self.positives - self.hits) + costs["false alarm"] * self.alarms
        return total / max(self.positives + self.negatives, 1)


@dataclass(frozen=True)
class Choice:
    """A threshold that was chosen, and what is to be known of it.

    Attributes:
        threshold: The threshold; `None` where the rows say none, and it stays what it was.
        note: What is to be known, in a few words, or nothing.
    """

    threshold: float | None
    note: str = ""


Rule = Callable[[np.ndarray, np.ndarray, float], Choice]
"""What chooses, from probabilities `(rows,)`, whether each is yes, bool `(rows,)`, and the present threshold."""


def count(probabilities: np.ndarray, truth: np.ndarray, thresholds: np.ndarray | None = None) -> Counts:
    """What thresholds would do; by default one between any two neighbouring probabilities, and one at either end.

    Args:
        probabilities: Those of yes, `(rows,)`.
        truth: Whether the answer is yes, bool `(rows,)`.
        thresholds: The thresholds, ascending.
    """
    probabilities = probabilities.astype("float64")
    if thresholds is None:
        levels = np.unique(np.concatenate([[0.0, 1.0], probabilities]))
        thresholds = (levels[:-1] + levels[1:]) / 2
    places = (
        np.searchsorted(np.sort(probabilities[truth]), thresholds),
        np.searchsorted(np.sort(probabilities[~truth]), thresholds),
    )
    positives = int(truth.sum())
    return Counts(thresholds, positives - places[0], len(truth) - positives - places[1], positives, int((~truth).sum()))


def by_f1(probabilities: np.ndarray, truth: np.ndarray, present: float) -> Choice:
    """The highest F1."""
    lack = _lack(truth)
    if lack:
        return Choice(None, lack)
    counts = count(probabilities, truth)
    return Choice(_nearest(counts, np.nan_to_num(counts.f1), present))


def by_recall(recall: float) -> Rule:
    """The highest precision of those thresholds that find so many, of rows to come as well.

    As in split conformal prediction: a threshold at or below the `floor((n + 1) * (1 - recall))`-th lowest of the `n`
    probabilities of rows that are yes finds the next one with at least that probability.
    """

    def choose(probabilities: np.ndarray, truth: np.ndarray, present: float) -> Choice:
        place = math.floor(round((truth.sum() + 1) * (1 - recall), 9))
        if not place:
            least = math.ceil(round(1 / (1 - recall), 9)) - 1
            return Choice(None, f"a recall of {recall:g} needs {least} rows of yes, there are {int(truth.sum())}")
        highest = np.sort(probabilities[truth].astype("float64"))[place - 1]
        counts = count(probabilities, truth)
        if counts.thresholds[0] > highest:
            return Choice(None, "too many rows of yes have a probability of 0")
        useful = np.where(counts.thresholds <= highest, np.nan_to_num(counts.precision), -1)
        return Choice(_nearest(counts, useful, present), _lack(truth))

    return choose


def by_precision(precision: float) -> Rule:
    """The highest recall of those thresholds of whose yeses so many are right, at least ten of them."""

    def choose(probabilities: np.ndarray, truth: np.ndarray, present: float) -> Choice:
        lack = _lack(truth)
        if lack:
            return Choice(None, lack)
        counts = count(probabilities, truth)
        found = np.where(counts.hits + counts.alarms >= FEWEST, counts.precision, 0)
        if found.max() < precision:
            return Choice(None, f"no threshold has a precision of {precision:g}, the best has {found.max():.3f}")
        return Choice(_nearest(counts, np.where(found >= precision, counts.recall, -1), present))

    return choose


def by_costs(costs: Mapping[str, float]) -> Rule:
    """The lowest cost; where rows are too few, the threshold that follows from costs alone (Elkan 2001)."""

    def choose(probabilities: np.ndarray, truth: np.ndarray, present: float) -> Choice:
        lack = _lack(truth)
        if lack:
            return Choice(
                costs["false alarm"] / (costs["miss"] + costs["false alarm"]), f"from the costs alone: {lack}"
            )
        counts = count(probabilities, truth)
        return Choice(_nearest(counts, -counts.cost(costs), present))

    return choose


def _lack(truth: np.ndarray) -> str:
    """What is said of too few rows, nothing if there are enough."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if min(positives, negatives) >= FEWEST:
        return ""
    return f"{positives} rows of yes and {negatives} of no, expected {FEWEST} of each"


def _nearest(counts: Counts, value: np.ndarray, present: float) -> float:
    """Of the thresholds with the highest value that nearest to the present one."""
    best = counts.thresholds[value >= value.max() - 1e-12]
    return float(best[np.abs(best - present).argmin()])
