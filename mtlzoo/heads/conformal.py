"""Sets of classes and intervals of numbers that hold the truth as often as is stated: split conformal prediction.

How odd a label looks beside what was predicted is a score. Where rows to come are drawn as those were on which the scores
were taken, the next score is no larger than the `ceil((n + 1) * level)`-th smallest of `n` with a probability of at least
`level` (Vovk, Gammerman and Shafer 2005; Lei et al. 2018, doi:10.1080/01621459.2017.1307116).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlzoo.heads.base import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.expectation import ExpectationHead
from mtlzoo.heads.numbers import NumbersHead
from mtlzoo.heads.texts import value_text

SETS = ("lac", "aps")
INTERVALS = ("residual", "scaled residual")


@dataclass(frozen=True)
class Conformal:
    """How odd a label may look to be in a head's set or interval.

    Attributes:
        level: How often sets and intervals hold the truth, in (0, 1).
        score: How odd labels look: of classes `"lac"`, one less the probability, or `"aps"`, the sum of all probabilities
            down to it; of numbers `"residual"`, how far off they are, or `"scaled residual"`, the same over the spread that
            the head predicts.
        quantiles: The largest score that belongs to it: one for all classes, or one for each class; one for each number.
            Infinite where there were too few rows to say: then everything belongs to it.
        rows: The rows that each was found on.
    """

    level: float
    score: str
    quantiles: tuple[float, ...]
    rows: tuple[int, ...]

    def get_config(self) -> dict[str, Any]:
        """What JSON can hold; it has no infinite numbers."""
        finite = [value if math.isfinite(value) else None for value in self.quantiles]
        return {"level": self.level, "score": self.score, "quantiles": finite, "rows": list(self.rows)}

    @classmethod
    def from_config(cls, config: Any, head: Head) -> Conformal:
        """What `get_config` gave, checked, since it may come from a file that somebody else wrote.

        Raises:
            ValueError: If it is nothing of the kind, or does not fit the head.
        """
        if not isinstance(config, Mapping) or set(config) != {"level", "score", "quantiles", "rows"}:
            raise ValueError(f"Expected level, score, quantiles and rows, received: {value_text(config)}.")
        level, score, quantiles, rows = (config[name] for name in ("level", "score", "quantiles", "rows"))
        if not _is_number(level) or not 0 < level < 1:
            raise ValueError(f"Expected a level in (0, 1), received: {value_text(level)}.")
        if score not in scores_of(head):
            raise ValueError(f"Expected a score of a {type(head).__name__}, received: {value_text(score)}.")
        counts = (1, len(head.names)) if isinstance(head, ClassesHead) else (head.units,)  # type: ignore[attr-defined]
        if not isinstance(quantiles, list) or len(quantiles) not in counts:
            raise ValueError(f"Expected {counts[-1]} quantiles, received: {value_text(quantiles)}.")
        if not all(value is None or (_is_number(value) and value >= 0) for value in quantiles):
            raise ValueError(f"Expected quantiles of at least 0, received: {value_text(quantiles)}.")
        if not isinstance(rows, list) or len(rows) != len(quantiles) or not all(type(row) is int for row in rows):
            raise ValueError(f"Expected a number of rows for each quantile, received: {value_text(rows)}.")
        finite = tuple(math.inf if value is None else float(value) for value in quantiles)
        return cls(float(level), score, finite, tuple(rows))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def scores_of(head: Head) -> tuple[str, ...]:
    """The scores that there are for a head, the usual one first; none for tags, places and objects."""
    if isinstance(head, ClassesHead):
        return SETS
    if isinstance(head, ExpectationHead):
        return INTERVALS[::-1]
    return INTERVALS[:1] if isinstance(head, NumbersHead) else ()


def conformal_quantile(scores: np.ndarray, level: float) -> float:
    """The `ceil((n + 1) * level)`-th smallest of `n` scores, infinite if there are not as many."""
    place = math.ceil(round((len(scores) + 1) * level, 9))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else math.inf


def fit_conformal(
    head: Head, outputs: np.ndarray, targets: np.ndarray, level: float, score: str, by_class: bool = False
) -> Conformal:
    """Find how odd labels may look.

    Args:
        head: The head.
        outputs: What it predicts, rows on the first axis.
        targets: The labels of the same rows, some of them missing, which do not count.
        level: How often sets and intervals are to hold the truth.
        score: One of :func:`scores_of`.
        by_class: Whether that is to hold for the rows of each class by themselves (Mondrian).

    Returns:
        The scores' quantiles.

    Example:

    ```python
    head = mtl.ClassificationHead(["cat", "dog"])
    outputs = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    mtl.heads.conformal.fit_conformal(head, outputs, np.array([0, 0, 1]), 0.5, "lac").quantiles  # 0.3, second of three
    ```
    """
    known = head.labelled(targets)
    if isinstance(head, ClassesHead):
        ids = head.class_ids(targets)
        own = np.take_along_axis(class_scores(head, outputs[known], score), ids[:, None], axis=1)[:, 0]
        groups = [own[ids == one] for one in range(len(head.names))] if by_class else [own]
    else:
        assert isinstance(head, NumbersHead)
        residuals = np.abs(targets.reshape(-1, head.units)[known] - head.answers(outputs[known]).astype("float64"))
        residuals /= _scales(head, outputs[known], score)
        groups = [column[~np.isnan(column)] for column in residuals.T]
    quantiles = tuple(conformal_quantile(group, level) for group in groups)
    return Conformal(level, score, quantiles, tuple(len(group) for group in groups))


def class_scores(head: ClassesHead, outputs: np.ndarray, score: str) -> np.ndarray:
    """How odd each class would look as a label, float64 `(rows, classes)`.

    Args:
        head: The head. For levels a score is the largest one on the way from the best level, so that sets have no gaps.
        outputs: What it predicts.
        score: `"lac"` (Sadinle, Lei and Wasserman 2019, doi:10.1080/01621459.2017.1395341) or `"aps"`, without drawing lots
            (Romano, Sesia and Candès 2020, arXiv:2006.02544).
    """
    probabilities = head.probabilities(outputs).astype("float64")
    if score == "lac":
        scores = 1 - probabilities
    else:
        order = np.argsort(-probabilities, axis=1, kind="stable")
        sums, scores = np.take_along_axis(probabilities, order, axis=1).cumsum(axis=1), np.empty_like(probabilities)
        np.put_along_axis(scores, order, sums / sums[:, -1:], axis=1)  # so that all last classes are equal, at 1
    if not head.ordered:
        return scores
    up, down = np.minimum.accumulate(scores, axis=1), np.minimum.accumulate(scores[:, ::-1], axis=1)[:, ::-1]
    return np.maximum(up, down)


def prediction_sets(
    head: ClassesHead, outputs: np.ndarray, conformal: Conformal, with_answer: bool = True
) -> np.ndarray:
    """Which classes are in each row's set.

    Args:
        head: The head.
        outputs: What it predicts, rows on the first axis.
        conformal: The largest scores.
        with_answer: Whether the prediction is in the set even where it looks odd, so that no set is empty. It makes sets
            hold the truth a little more often than is stated.

    Returns:
        Bool `(rows, classes)`; of levels all from the lowest to the highest one.
    """
    chosen = class_scores(head, outputs, conformal.score) <= np.asarray(conformal.quantiles)
    if with_answer and len(chosen):
        chosen[np.arange(len(chosen)), head.answers(outputs)] = True
    if head.ordered:
        chosen = np.maximum.accumulate(chosen, axis=1) & np.maximum.accumulate(chosen[:, ::-1], axis=1)[:, ::-1]
    return chosen


def prediction_intervals(head: NumbersHead, outputs: np.ndarray, conformal: Conformal) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest number of each row, float64 `(rows, units)` each, infinite where there were too few rows."""
    answers = head.answers(outputs).astype("float64")
    reach = np.asarray(conformal.quantiles) * _scales(head, outputs, conformal.score)
    low, high = answers - reach, answers + reach
    if isinstance(head, ExpectationHead):  # labels lie within the bins
        low, high = np.maximum(low, head.bins[0]), np.minimum(high, head.bins[-1])
    return low, high


def _scales(head: NumbersHead, outputs: np.ndarray, score: str) -> np.ndarray | float:
    """What residuals are divided by: 1, or the standard deviation that the head predicts, `(rows, 1)`.

    A distribution over bins knows a number no better than to a bin, whose own variance is added, so that it is never 0.
    """
    if score == "residual" or not isinstance(head, ExpectationHead):
        return 1.0
    shares = outputs.astype("float64")
    variance = shares @ np.square(head.bins) - np.square(shares @ head.bins)
    return np.sqrt(np.maximum(variance, 0) + head.bin_width**2 / 12)[:, None]
