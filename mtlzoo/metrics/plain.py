"""A metric of Keras' over labelled rows."""

from __future__ import annotations

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.keras_compat import metric_direction
from mtlzoo.metrics.base import Tensor

DIRECTIONS = {"up": "max", "down": "min"}


class MaskedPlainMetric(keras.metrics.Metric):
    """What a metric that knows nothing of missing labels says of the labelled ones, which it sees one by one.

    Args:
        metric: A metric that heeds sample weights.
        read: Makes targets and a mask of labels, as :meth:`mtlzoo.heads.Head.read` does.
    """

    def __init__(self, metric: keras.metrics.Metric, read: masking.Reading):
        super().__init__(name=metric.name)
        self.metric = metric
        self.read = read
        self.mode = DIRECTIONS.get(metric_direction(metric) or "", "auto")
        self.seen = self.add_weight(name="seen", initializer="zeros")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Count a batch."""
        targets, predictions, labelled = masking.one_by_one(self.metric, self.read, y_true, masking.floats(y_pred))
        weights = ops.cast(labelled, self.dtype)
        if sample_weight is not None:
            rows = ops.reshape(
                ops.convert_to_tensor(sample_weight, dtype=self.dtype), (-1, *[1] * (len(weights.shape) - 1))
            )
            weights = weights * rows
        self.seen.assign_add(ops.sum(weights))
        self.metric.update_state(targets, predictions, sample_weight=ops.reshape(weights, (-1,)))

    def result(self) -> Tensor:
        """The metric's result, `NaN` while no labelled row has been seen."""
        value = ops.cast(self.metric.result(), self.dtype)
        return ops.where(self.seen.value > 0, value, ops.full_like(value, float("nan")))

    def reset_state(self) -> None:
        """Begin anew."""
        super().reset_state()
        self.metric.reset_state()
