"""Losses of numbers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.losses.base import MaskedLoss, Tensor


class MaskedRegressionLoss(MaskedLoss):
    """A loss of the differences `(prediction - target) / scale`; each row is the mean over its labelled numbers.

    Args:
        units: The number of numbers a row.
        scale: What a difference is divided by, in the targets' own unit, usually their standard deviation: the loss of
            an age and that of a price then have the same size.

    Targets and predictions have shape `(batch, units)`; a target of shape `(batch,)` will do for one unit.
    """

    def __init__(self, units: int = 1, scale: float = 1.0, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.units = units
        self.scale = float(scale)

    def cost(self, difference: Tensor) -> Tensor:
        """What each scaled difference costs."""
        raise NotImplementedError

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The mean cost of each row's labelled numbers."""
        targets, labelled = masking.number_targets(y_true, self.units)
        difference = (ops.reshape(y_pred, (-1, self.units)) - targets) / self.scale
        return masking.row_mean(self.cost(difference), labelled)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "units": self.units, "scale": self.scale}


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedMeanSquaredError(MaskedRegressionLoss):
    """The mean of squared scaled differences over labelled rows.

    Args:
        units: The number of numbers a row.
        scale: What a difference is divided by, in the targets' own unit.
        name: The name of the loss.

    Targets and predictions have shape `(batch, units)`; a `NaN` in the target is missing.

    Example:

    ```python
    loss = mtl.losses.MaskedMeanSquaredError(scale=10.0)
    loss([20.0, np.nan], [[30.0], [99.0]])  # 1.0: one scale apart, and a row without a label
    ```
    """

    def cost(self, difference: Tensor) -> Tensor:
        """The square."""
        return ops.square(difference)


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedMeanAbsoluteError(MaskedRegressionLoss):
    """The mean of absolute scaled differences over labelled rows.

    Args:
        units: As for :class:`MaskedMeanSquaredError`.
        scale: Likewise.
        name: The name of the loss.

    Example:

    ```python
    loss = mtl.losses.MaskedMeanAbsoluteError(scale=10.0)
    loss([20.0, np.nan], [[25.0], [99.0]])  # 0.5
    ```
    """

    def cost(self, difference: Tensor) -> Tensor:
        """The absolute value."""
        return ops.abs(difference)


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedHuber(MaskedRegressionLoss):
    """Huber's loss with its knee at one `scale`: half the square below it, linear above (Huber 1964).

    Args:
        units: As for :class:`MaskedMeanSquaredError`.
        scale: Likewise.
        name: The name of the loss.

    Example:

    ```python
    loss = mtl.losses.MaskedHuber(scale=10.0)
    loss([20.0, 20.0, np.nan], [[25.0], [40.0], [99.0]])  # 0.8125, the mean of 0.5 * 0.5 ** 2 and 2 - 0.5
    ```
    """

    def cost(self, difference: Tensor) -> Tensor:
        """Half the square, or the absolute value less one half."""
        size = ops.abs(difference)
        return ops.where(size <= 1, 0.5 * ops.square(difference), size - 0.5)
