"""Fractions of right predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.metrics.base import MaskedMetric, Tensor, reaches
from mtlzoo.metrics.error import median_level


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedCategoricalAccuracy(MaskedMetric):
    """The fraction of labelled rows whose most probable class is the label.

    Args:
        classes: The number of classes.

    Targets are class ids `(batch,)` or probability rows `(batch, classes)`, of which the largest counts; predictions
    are probabilities `(batch, classes)`. The result lies in `[0, 1]`, or is `NaN` without labelled rows.

    Example:

    ```python
    accuracy = mtl.metrics.MaskedCategoricalAccuracy(classes=2, name="accuracy")
    accuracy.update_state([0, -1, 1], [[0.9, 0.1], [0.1, 0.9], [0.8, 0.2]])
    accuracy.result()  # 0.5: one of the two labelled rows
    ```
    """

    def __init__(self, classes: int, name: str = "accuracy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.classes = classes

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """1 where the prediction is right, 0 where it is wrong."""
        targets, labelled = masking.class_targets(y_true, self.classes)
        right = ops.equal(ops.argmax(targets, axis=-1), ops.argmax(y_pred, axis=-1))
        return ops.cast(right, self.dtype), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedOrdinalAccuracy(MaskedMetric):
    """The fraction of labelled rows whose predicted median level, the prediction of an ordinal head, is the label.

    Args:
        levels: The number of levels. Targets are level ids `(batch,)` or probability rows `(batch, levels)`, of which
            the median counts too; predictions are probabilities `(batch, levels)`.

    Example:

    ```python
    metric = mtl.metrics.MaskedOrdinalAccuracy(levels=3)
    metric.update_state([1, -1], [[0.4, 0.3, 0.3], [1.0, 0.0, 0.0]])
    metric.result()  # 1.0: the median is level 1, though level 0 is the likeliest
    ```
    """

    def __init__(self, levels: int, name: str = "accuracy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.levels = levels

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """1 where the prediction is right, 0 where it is wrong."""
        targets, labelled = masking.class_targets(y_true, self.levels)
        return ops.cast(ops.equal(median_level(targets), median_level(y_pred)), self.dtype), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "levels": self.levels}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedBinaryAccuracy(MaskedMetric):
    """The fraction of binary labels that are predicted right; a row with several tags counts as its mean.

    Args:
        tags: The number of labels a row.
        threshold: The probability from which a prediction is positive, or one for each tag.

    Example:

    ```python
    metric = mtl.metrics.MaskedBinaryAccuracy(tags=2)
    metric.update_state([[1, 0], [1, -1]], [[0.9, 0.9], [0.9, 0.9]])
    metric.result()  # 0.75: half of the first row, all that is labelled of the second
    ```
    """

    def __init__(self, tags: int = 1, threshold: float | Sequence[float] = 0.5, name: str = "accuracy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.tags = tags
        self.threshold = threshold

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The fraction of right predictions in each row."""
        targets, labelled = masking.tag_targets(y_true, self.tags)
        right = ops.equal(targets >= 0.5, reaches(ops.reshape(y_pred, (-1, self.tags)), self.threshold))
        return masking.row_mean(ops.cast(right, self.dtype), labelled)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "tags": self.tags, "threshold": self.threshold}
