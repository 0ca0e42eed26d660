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
    """The first level at which the cumulative probability reaches one half: int32 `(batch,)` from `(batch, levels)`."""
    below = ops.cumsum(probabilities, axis=-1)[:, :-1]
    return ops.sum(ops.cast(below < 0.5, "int32"), axis=-1)
