"""The F1 score of tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.metrics.base import Tensor, reaches


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedF1(keras.metrics.Metric):
    """The macro F1 score: the mean over tags of `2 TP / (2 TP + FP + FN)`, counted over labelled entries.

    A tag that is neither labelled yes nor answered yes anywhere has no F1 score and is left out of the mean; without
    any other the result is `NaN`. The counts are kept for each tag over the epoch, so the result is exact.

    Args:
        tags: The number of tags.
        threshold: The probability from which a prediction is positive, or one for each tag.

    Example:

    ```python
    metric = mtl.metrics.MaskedF1(tags=2)
    metric.update_state([[1, 0], [1, -1]], [[0.9, 0.9], [0.1, 0.9]])
    metric.result()  # 0.333, the mean of 2/3 and 0
    ```
    """

    mode = "max"

    def __init__(self, tags: int, threshold: float | Sequence[float] = 0.5, name: str = "f1", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.tags = tags
        self.threshold = threshold
        self.right = self.add_weight(shape=(tags,), name="right", initializer="zeros")
        self.positives = self.add_weight(shape=(tags,), name="positives", initializer="zeros")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Count a batch."""
        targets, labelled = masking.tag_targets(y_true, self.tags)
        weights = ops.cast(labelled, self.dtype)
        if sample_weight is not None:
            row_weights = ops.reshape(ops.convert_to_tensor(sample_weight, dtype=self.dtype), (-1, 1))
            weights = ops.where(labelled, row_weights, ops.zeros_like(weights))
        truth = ops.cast(targets >= 0.5, self.dtype)
        predicted = ops.cast(reaches(masking.floats(y_pred), self.threshold), self.dtype)
        self.right.assign_add(ops.sum(weights * truth * predicted, axis=0))
        # 2 TP + FP + FN is the number of positive labels plus the number of positive predictions.
        self.positives.assign_add(ops.sum(weights * (truth + predicted), axis=0))

    def result(self) -> Tensor:
        """The mean over tags, a float scalar in `[0, 1]`, or `NaN`."""
        right, positives = ops.convert_to_tensor(self.right), ops.convert_to_tensor(self.positives)
        seen = positives > 0
        total, count = masking.masked_sums(masking.quotient(2 * right, positives), seen)
        return masking.quotient(total, count, otherwise=float("nan"))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "tags": self.tags, "threshold": self.threshold}
