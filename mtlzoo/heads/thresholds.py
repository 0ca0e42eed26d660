"""From which probability on an answer is yes: heads with one number, or one for each tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from mtlzoo.heads.base import Head
from mtlzoo.heads.texts import shorten, value_text

MIDDLE = 0.5


class CutHead(Head):
    """A head whose answers depend on thresholds of its probabilities, which follow where its logits are divided."""

    def questions(self) -> Sequence[str]:
        """What there are thresholds of, in the order of the outputs."""
        raise NotImplementedError

    @property
    def thresholds(self) -> dict[str, float]:
        """The thresholds between 0 and 1, by the question."""
        raise NotImplementedError

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        """A new head with other thresholds for some questions.

        Args:
            thresholds: Probabilities by the name of the question.

        Raises:
            ValueError: If there is no such question, or a threshold is not in (0, 1).
        """
        raise NotImplementedError


class ThresholdHead(CutHead):
    """A head of yes-or-no questions, each answered by whether a probability reaches a threshold.

    Attributes:
        threshold: The probability, or those of all questions in their order.
    """

    threshold: float | list[float]

    def questions(self) -> Sequence[str]:
        """What is answered with yes or no, in the order of the outputs."""
        raise NotImplementedError

    @property
    def thresholds(self) -> dict[str, float]:
        """The probability of each question from which on the answer is yes."""
        names = self.questions()
        return dict(zip(names, np.broadcast_to(self.threshold, len(names)).tolist()))

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        """A new head with other thresholds for some questions.

        Args:
            thresholds: Probabilities by the name of the question.

        Raises:
            ValueError: If there is no such question, or a threshold is not in (0, 1).

        Example:

        ```python
        mtl.MultiLabelHead(["hood", "zip"]).with_thresholds({"zip": 0.3}).threshold  # [0.5, 0.3]
        ```
        """
        return self.with_settings(threshold=check_thresholds({**self.thresholds, **thresholds}, self.questions()))

    def given(self, predictions: np.ndarray) -> np.ndarray:
        """Which questions are answered with yes, bool of the shape of the predictions."""
        predictions = np.asarray(predictions)
        kind = predictions.dtype if np.issubdtype(predictions.dtype, np.floating) else np.float64
        return np.asarray(predictions >= np.asarray(self.threshold, kind))


def check_thresholds(threshold: Any, questions: Sequence[str]) -> float | list[float]:
    """A threshold as heads keep it: one number for all questions, or a list in their order.

    Args:
        threshold: A number, numbers by the name of the question (one half for others), or a list of them.
        questions: The names of the questions.

    Raises:
        ValueError: If it is nothing of these, or a number is not in (0, 1).
    """
    if isinstance(threshold, Mapping):
        unknown = next((name for name in threshold if name not in questions), None)
        if unknown is not None:
            raise ValueError(
                f"Expected `threshold` to name some of {shorten(list(questions))}, received: {value_text(unknown)}."
            )
        threshold = [threshold.get(name, MIDDLE) for name in questions]
    numbers = list(threshold) if isinstance(threshold, Sequence | np.ndarray) else [threshold]
    if not all(isinstance(number, int | float | np.number) and 0 < number < 1 for number in numbers):
        raise ValueError(f"Expected `threshold` in (0, 1), received: {threshold!r}.")
    if len(numbers) not in (1, len(questions)):
        raise ValueError(f"Expected {len(questions)} thresholds or one, received: {len(numbers)}.")
    return float(numbers[0]) if len(numbers) == 1 else [float(number) for number in numbers]


def deciding_like(old: Head, new: Head) -> Head:
    """A head with the thresholds of another one, question by question, whatever these are called."""
    if not (isinstance(old, ThresholdHead) and isinstance(new, ThresholdHead)) or old.threshold == new.threshold:
        return new
    return new.with_settings(threshold=old.threshold)
