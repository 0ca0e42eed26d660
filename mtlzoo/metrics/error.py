"""Mean distances between predictions and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.metrics.base import MaskedMetric, Tensor


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedMeanAbsoluteError(MaskedMetric):
    """The mean absolute error over labelled rows, in the targets' own unit.

    Args:
        units: The number of numbers a row; a row counts as the mean over its labelled numbers.

    Example:

    ```python
    metric = mtl.metrics.MaskedMeanAbsoluteError()
    metric.update_state([20.0, np.nan], [[25.0], [99.0]])
    metric.result()  # 5.0
    ```
    """

    mode = "min"

    def __init__(self, units: int = 1, name: str = "mae", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.units = units

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The mean absolute error of each row."""
        targets, labelled = masking.number_targets(y_true, self.units)
        return masking.row_mean(ops.abs(ops.reshape(y_pred, (-1, self.units)) - targets), labelled)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedExpectationError(MaskedMetric):
    """The mean absolute error of a distribution's expectation over labelled rows, in the targets' own unit.

    Args:
        values: The numbers that the predicted probabilities `(batch, values)` belong to. Targets are numbers `(batch, 1)`
            or `(batch,)`.

    Example:

    ```python
    metric = mtl.metrics.MaskedExpectationError(values=[10, 20, 30])
    metric.update_state([20.0, np.nan], [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    metric.result()  # 5.0: 15 rather than 20
    ```
    """

    mode = "min"

    def __init__(self, values: Sequence[float], name: str = "mae", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.values = [float(value) for value in values]

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The absolute error of each row."""
        targets, labelled = masking.number_targets(y_true)
        expectation = ops.sum(y_pred * masking.floats(self.values), axis=-1)
        return ops.abs(expectation - targets[:, 0]), labelled[:, 0]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "values": self.values}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedOrdinalError(MaskedMetric):
    """The mean distance, in levels, between the predicted median level and the label, over labelled rows.

    The median of the predicted distribution is the prediction with the smallest expected distance.

    Args:
        levels: The number of levels. Targets are level ids `(batch,)` or probability rows `(batch, levels)`, of which
            the median counts too; predictions are probabilities `(batch, levels)`.

    Example:

    ```python
    metric = mtl.metrics.MaskedOrdinalError(levels=3)
    metric.update_state([0, -1], [[0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    metric.result()  # 2.0
    ```
    """

    mode = "min"

    def __init__(self, levels: int, name: str = "mae", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.levels = levels

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The distance of each row in levels."""
        targets, labelled = masking.class_targets(y_true, self.levels)
        return ops.cast(ops.abs(median_level(targets) - median_level(y_pred)), self.dtype), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "levels": self.levels}


def median_level(probabilities: Tensor) -> Tensor:
    """The first level at which the cumulative probability reaches one half: int32 `(batch,)` from `(batch, levels)`.

    Args:
        probabilities: Floats `(batch, levels)`, each row with the sum 1.

    Returns:
        Int32 `(batch,)`.

    Example:

    ```python
    mtl.metrics.median_level(np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]))  # [0, 2]
    ```
    """
    below = ops.cumsum(probabilities, axis=-1)[:, :-1]
    return ops.sum(ops.cast(below < 0.5, "int32"), axis=-1)
