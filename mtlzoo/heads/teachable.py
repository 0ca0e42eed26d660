"""How a head is taught: what another network's predictions stand for as labels of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.errors import HeadError

if TYPE_CHECKING:
    from mtlzoo.images.geometry import ImageGeometry

SMALLEST = 1e-30  # a probability, so that its logarithm is a number


class Teachable:
    """A head that says how it learns from a teacher, see :class:`mtlzoo.Teach`; the base class cannot be taught."""

    @property
    def teachable(self) -> bool:
        """Whether another network's predictions can be labels."""
        return type(self).taught is not Teachable.taught

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The labels that a teacher's predictions stand for.

        Args:
            predictions: The teacher's output for this head, after `to_image_space`; rows on the first axis.
            geometry: The map of each row's pixels.

        Returns:
            Targets in image space, in a form that the head's loss reads: probabilities of classes, which make its
            cross-entropy a divergence but for a constant; numbers; points and boxes, missing where they are of no use.

        Raises:
            HeadError: If a head of this kind cannot be taught.
        """
        raise HeadError(f"Expected a head that a teacher's predictions can be labels of, received: {self!r}.")

    def at_temperature(self, predictions: np.ndarray, temperature: float) -> np.ndarray:
        """Predictions with their logits divided by a temperature above 0; those without probabilities as they are."""
        return predictions


def softmax_at(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The softmax of the logits of probabilities `(rows, classes)`, divided by a temperature."""
    logits = np.log(np.maximum(probabilities.astype("float64"), SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype("float32")


def sigmoid_at(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The sigmoid of the logits of probabilities, divided by a temperature."""
    given = probabilities.astype("float64")
    logits = np.log(np.maximum(given, SMALLEST)) - np.log(np.maximum(1 - given, SMALLEST))
    return ((1 + np.tanh(logits / temperature / 2)) / 2).astype("float32")  # which does not overflow
