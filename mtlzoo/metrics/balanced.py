"""Metrics in which every class counts the same, however rare it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.metrics.base import Tensor, reaches
from mtlzoo.metrics.error import median_level


class ClassCounts(keras.metrics.Metric):
    """How many labelled rows are of each class, are predicted to be, and both: what metrics by class are computed from.

    The counts are kept for each class over the epoch, so that what is computed of them is exact, whatever the batches.

    Args:
        classes: The number of classes. Targets are class ids `(batch,)` or probability rows `(batch, classes)`,
            predictions are probabilities `(batch, classes)`.
        ordinal: Whether classes are levels in an order, of which the median counts rather than the most probable one.
    """

    mode = "max"

    def __init__(self, classes: int, ordinal: bool = False, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.classes = classes
        self.ordinal = ordinal
        self.right, self.true, self.predicted = (
            self.add_weight(shape=(classes,), name=kind, initializer="zeros") for kind in ("right", "true", "predicted")
        )

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Count a batch."""
        targets, labelled = masking.class_targets(y_true, self.classes)
        truth, answers = self._one_hot(targets), self._one_hot(masking.floats(y_pred))
        weights = row_weights(labelled, sample_weight, self.dtype)[:, None]
        self.right.assign_add(ops.sum(weights * truth * answers, axis=0))
        self.true.assign_add(ops.sum(weights * truth, axis=0))
        self.predicted.assign_add(ops.sum(weights * answers, axis=0))

    def _one_hot(self, probabilities: Tensor) -> Tensor:
        ids = median_level(probabilities) if self.ordinal else ops.argmax(probabilities, axis=-1)
        return ops.cast(ops.cast(ids, "int32")[:, None] == ops.arange(self.classes, dtype="int32")[None], self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "classes": self.classes, "ordinal": self.ordinal}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedBalancedAccuracy(ClassCounts):
    """Balanced accuracy: the mean over classes of their recall, the fraction of a class's labelled rows that are right.

    A class without labelled rows is left out of the mean, as in `sklearn.metrics.balanced_accuracy_score`; the result is
    `NaN` while there is no labelled row.

    Args:
        classes: The number of classes. Targets are class ids `(batch,)` or probability rows `(batch, classes)`,
            predictions are probabilities `(batch, classes)`.
        ordinal: Whether classes are levels in an order, of which the median counts rather than the most probable one.

    Example:

    ```python
    metric = mtl.metrics.MaskedBalancedAccuracy(classes=2)
    metric.update_state([0, 0, 0, 1, -1], [[0.9, 0.1]] * 5)
    metric.result()  # 0.5, where accuracy is 0.75
    ```
    """

    def __init__(self, classes: int, ordinal: bool = False, name: str = "balanced_accuracy", **kwargs: Any):
        super().__init__(classes, ordinal, name=name, **kwargs)

    def result(self) -> Tensor:
        """The mean recall, a float scalar in `[0, 1]`, or `NaN`."""
        return mean_where(ops.convert_to_tensor(self.right), ops.convert_to_tensor(self.true))


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedMacroF1(ClassCounts):
    """The macro F1 score of classes of which one is right: the mean over classes of `2 TP / (2 TP + FP + FN)`.

    A class that is neither labelled nor predicted anywhere is left out of the mean, as in `sklearn.metrics.f1_score`;
    the result is `NaN` while there is no labelled row. For tags see :class:`MaskedF1`.

    Args:
        classes: The number of classes. Targets are class ids `(batch,)` or probability rows `(batch, classes)`,
            predictions are probabilities `(batch, classes)`.
        ordinal: Whether classes are levels in an order, of which the median counts rather than the most probable one.

    Example:

    ```python
    metric = mtl.metrics.MaskedMacroF1(classes=3)
    metric.update_state([0, 0, 0, 1, -1], [[0.9, 0.1, 0.0]] * 5)
    metric.result()  # 0.429, the mean of 6/7 and 0
    ```
    """

    def __init__(self, classes: int, ordinal: bool = False, name: str = "macro_f1", **kwargs: Any):
        super().__init__(classes, ordinal, name=name, **kwargs)

    def result(self) -> Tensor:
        """The mean F1, a float scalar in `[0, 1]`, or `NaN`."""
        counted = ops.convert_to_tensor(self.true) + ops.convert_to_tensor(self.predicted)
        return mean_where(2 * ops.convert_to_tensor(self.right), counted)


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedBinaryBalancedAccuracy(keras.metrics.Metric):
    """Balanced accuracy of binary labels: the mean of the recall of yes and of no, and of that the mean over tags.

    Where a tag has labelled rows of one kind alone, that kind's recall stands for both; a tag without any is left out.

    Args:
        tags: The number of labels a row. Targets are numbers in `[0, 1]` of shape `(batch, tags)` (or `(batch,)` for one
            tag), missing where negative or `NaN`; predictions are probabilities `(batch, tags)`.
        threshold: The probability from which a prediction is positive, or one for each tag.

    Example:

    ```python
    metric = mtl.metrics.MaskedBinaryBalancedAccuracy()
    metric.update_state([0, 0, 0, 1, -1], [[0.1]] * 5)
    metric.result()  # 0.5, where accuracy is 0.75
    ```
    """

    mode = "max"

    def __init__(
        self, tags: int = 1, threshold: float | Sequence[float] = 0.5, name: str = "balanced_accuracy", **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.tags = tags
        self.threshold = threshold
        self.right = self.add_weight(shape=(2, tags), name="right", initializer="zeros")
        self.true = self.add_weight(shape=(2, tags), name="true", initializer="zeros")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Count a batch."""
        targets, labelled = masking.tag_targets(y_true, self.tags)
        weights = row_weights(labelled, sample_weight, self.dtype)
        positive = targets >= 0.5
        right = ops.equal(positive, reaches(ops.reshape(masking.floats(y_pred), (-1, self.tags)), self.threshold))
        kinds = ops.cast(ops.stack([ops.logical_not(positive), positive]), self.dtype) * weights[None]
        self.right.assign_add(ops.sum(kinds * ops.cast(right, self.dtype)[None], axis=1))
        self.true.assign_add(ops.sum(kinds, axis=1))

    def result(self) -> Tensor:
        """The mean over tags, a float scalar in `[0, 1]`, or `NaN`."""
        right, true = ops.convert_to_tensor(self.right), ops.convert_to_tensor(self.true)
        recall, seen = masking.quotient(right, true), ops.cast(true > 0, right.dtype)
        return mean_where(ops.sum(recall, axis=0), ops.sum(seen, axis=0))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "tags": self.tags, "threshold": self.threshold}


def row_weights(labelled: Tensor, sample_weight: Tensor | None, dtype: str) -> Tensor:
    """The weight of each entry: 0 where it is not labelled, otherwise that of its row, 1 by default.

    Args:
        labelled: Bool `(batch,)` or `(batch, entries)`.
        sample_weight: `(batch,)` or `(batch, 1)`, or `None`.
        dtype: Of the result, which has the shape of `labelled`.
    """
    weights = ops.cast(labelled, dtype)
    if sample_weight is None:
        return weights
    rows = ops.reshape(ops.convert_to_tensor(sample_weight, dtype=dtype), (-1, *[1] * (len(weights.shape) - 1)))
    return ops.where(labelled, rows, ops.zeros_like(weights))


def mean_where(totals: Tensor, counts: Tensor) -> Tensor:
    """The mean of the quotients `totals / counts` of those that have a count, `NaN` without any."""
    total, count = masking.masked_sums(masking.quotient(totals, counts), counts > 0)
    return masking.quotient(total, count, otherwise=float("nan"))
