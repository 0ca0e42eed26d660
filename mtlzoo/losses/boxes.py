"""Losses of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.images.boxes import giou_loss
from mtlzoo.losses.base import MaskedLoss, Tensor


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedGeneralizedIoU(MaskedLoss):
    """One less the generalized intersection over union (Rezatofighi et al. 2019), and optionally the L1 distance.

    Args:
        l1: The factor of the sum of the four numbers' absolute differences. With 2.5 and relative boxes this is half the
            box loss of DETR (Carion et al. 2020), `2 (1 - GIoU) + 5 L1`, but for its L1 of centres and sides.

    Targets and predictions have shape `(batch, 4)`, x_min, y_min, x_max, y_max; a row with a `NaN` is missing. A predicted
    box that has shrunk to a point inside of the target has no gradient by the GIoU alone. See
    :func:`mtlzoo.images.boxes.giou_loss` for inverted boxes.

    Example:

    ```python
    loss = mtl.losses.MaskedGeneralizedIoU()
    loss([[0.0, 0.0, 1.0, 1.0], [np.nan] * 4], [[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]])  # 0.5
    ```
    """

    def __init__(self, l1: float = 0.0, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if not l1 >= 0:
            raise ValueError(f"Expected `l1` of at least 0, received: {l1!r}.")
        self.l1 = float(l1)

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The cost of each row's box."""
        targets, known = masking.number_targets(y_true, 4)
        predicted = ops.reshape(y_pred, (-1, 4))
        cost = giou_loss(predicted, targets)
        if self.l1:
            cost = cost + self.l1 * ops.sum(ops.abs(predicted - targets), axis=-1)
        return cost, ops.all(known, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "l1": self.l1}


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedScaledSquaredError(MaskedLoss):
    """The mean squared error after each number of the target was multiplied by a factor of its own.

    The loss of the TensorFlow.js book's object detection (Cai et al. 2020, section 5.2), in which a shape of 0 or 1
    stands beside a box in pixels: `factors=[224, 1, 1, 1, 1]` gives both about the same say.

    Args:
        factors: What the numbers of a target are multiplied by, one each.

    Targets and predictions have shape `(batch, numbers)`; a row with a `NaN` is missing.

    Example:

    ```python
    loss = mtl.losses.MaskedScaledSquaredError([224, 1, 1, 1, 1])
    loss([[1.0, 20.0, 20.0, 90.0, 90.0]], [[112.0, 20.0, 20.0, 90.0, 90.0]])  # 2508.8, that is 112 ** 2 / 5
    ```
    """

    def __init__(self, factors: Sequence[float], name: str | None = None, **kwargs: Any):
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
