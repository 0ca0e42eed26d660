"""How well boxes are hit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.images.boxes import iou
from mtlzoo.metrics.base import MaskedMetric, Tensor

CORNERS = (0, 1, 2, 3)


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedMeanIoU(MaskedMetric):
    """The mean intersection over union of predicted and true boxes, over labelled rows.

    Args:
        columns: Where in a row x_min, y_min, x_max and y_max stand.
        numbers: How many numbers a row has.

    Targets and predictions have shape `(batch, numbers)`; a row with a `NaN` is missing.

    Example:

    ```python
    metric = mtl.metrics.MaskedMeanIoU()
    metric.update_state([[0.0, 0.0, 1.0, 1.0], [np.nan] * 4], [[0.0, 0.0, 0.75, 1.0], [0.0, 0.0, 1.0, 1.0]])
    metric.result()  # 0.75
    ```
    """

    def __init__(self, columns: Sequence[int] = CORNERS, numbers: int = 4, name: str = "mean_iou", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.columns = [int(column) for column in columns]
        self.numbers = numbers

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The intersection over union of each row."""
        targets, known = masking.number_targets(y_true, self.numbers)
        predicted = ops.reshape(y_pred, (-1, self.numbers))
        targets, predicted = (
            ops.stack([values[:, column] for column in self.columns], axis=-1) for values in (targets, predicted)
        )
        return iou(predicted, targets), ops.all(known, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "columns": self.columns, "numbers": self.numbers}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedIoUFraction(MaskedMeanIoU):
    """The fraction of labelled rows whose intersection over union is above a threshold.

    Args:
        threshold: From 0 to 1; 0.5 is a hit in PASCAL VOC.
        columns: As in :class:`MaskedMeanIoU`.
        numbers: Likewise.

    Example:

    ```python
    metric = mtl.metrics.MaskedIoUFraction(threshold=0.5)
    metric.update_state([[0.0, 0.0, 1.0, 1.0], [np.nan] * 4], [[0.0, 0.0, 0.75, 1.0], [0.0, 0.0, 1.0, 1.0]])
    metric.result()  # 1.0: an IoU of 0.75
    ```
    """

    def __init__(
        self,
        threshold: float = 0.5,
        columns: Sequence[int] = CORNERS,
        numbers: int = 4,
        name: str = "iou_share",
        **kwargs: Any,
    ):
        super().__init__(columns, numbers, name=name, **kwargs)
        self.threshold = threshold

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """1 for a hit, 0 otherwise."""
        overlaps, labelled = super().rows(y_true, y_pred)
        return ops.cast(overlaps > self.threshold, self.dtype), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedScaledSquaredError(MaskedMetric):
    """The value of :class:`mtlzoo.losses.MaskedScaledSquaredError`.

    Args:
        factors: What the numbers of a target are multiplied by, one each.

    Example:

    ```python
    metric = mtl.metrics.MaskedScaledSquaredError([224, 1, 1, 1, 1])
    metric.update_state([[1.0, 20.0, 20.0, 90.0, 90.0]], [[112.0, 20.0, 20.0, 90.0, 90.0]])
    metric.result()  # 2508.8
    ```
    """

    mode = "min"

    def __init__(self, factors: Sequence[float], name: str = "mse", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.factors = [float(factor) for factor in factors]

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The mean of each row's squared differences."""
        targets, known = masking.number_targets(y_true, len(self.factors))
        scaled = targets * ops.convert_to_tensor(self.factors, dtype=targets.dtype)
        return ops.mean(ops.square(y_pred - scaled), axis=-1), ops.all(known, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "factors": self.factors}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedFirstAccuracy(MaskedMetric):
    """How often the first number of a row, 0 or 1, is predicted by whether the number reaches a threshold.

    Args:
        threshold: From here on the prediction is 1.
        numbers: How many numbers a row has; one with a `NaN` is missing.

    Example:

    ```python
    metric = mtl.metrics.MaskedFirstAccuracy(numbers=2)
    metric.update_state([[1.0, 3.0], [0.0, 3.0], [np.nan, 3.0]], [[0.7, 0.0], [0.7, 0.0], [0.7, 0.0]])
    metric.result()  # 0.5
    ```
    """

    def __init__(self, threshold: float = 0.5, numbers: int = 5, name: str = "accuracy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.threshold = threshold
        self.numbers = numbers

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """1 where right, 0 otherwise."""
        targets, known = masking.number_targets(y_true, self.numbers)
        right = (targets[:, 0] >= 0.5) == (y_pred[:, 0] >= self.threshold)
        return ops.cast(right, self.dtype), ops.all(known, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "threshold": self.threshold, "numbers": self.numbers}
