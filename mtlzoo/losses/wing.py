"""The loss of landmarks."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from mtlzoo.losses.base import Tensor
from mtlzoo.losses.regression import MaskedRegressionLoss


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedWing(MaskedRegressionLoss):
    """The wing loss of landmarks (Feng et al. 2018, arXiv:1711.06753), in which small errors keep pulling.

    `width * ln(1 + |d| / curvature)` for differences `|d|` below `width`, linear with slope 1 above.

    Args:
        units: The number of numbers a row.
        scale: What differences are divided by first; see :class:`MaskedMeanSquaredError`.
        width: Where the logarithm ends, in units of `scale`.
        curvature: How much the logarithm bends, likewise. Both defaults are the paper's 10 and 2 pixels of 224, with the
            scale of a tenth of the image's side.

    Example:

    ```python
    loss = mtl.losses.MaskedWing(units=2, scale=0.1)
    loss([[0.5, 0.5], [0.5, np.nan]], [[0.6, 0.5], [0.5, 0.9]])  # the second row has half a label, and no error
    ```
    """

    def __init__(
        self, units: int = 1, scale: float = 1.0, width: float = 10 / 22.4, curvature: float = 2 / 22.4, **kwargs: Any
    ):
        super().__init__(units, scale, **kwargs)
        if not (width > 0 and curvature > 0):
            raise ValueError(f"Expected `width` and `curvature` above 0, received: {width!r} and {curvature!r}.")
        self.width = width
        self.curvature = curvature

    def cost(self, difference: Tensor) -> Tensor:
        """The logarithm near zero, the absolute value less a constant elsewhere."""
        size = ops.abs(difference)
        step = self.width - self.width * math.log(1 + self.width / self.curvature)
        return ops.where(size < self.width, self.width * ops.log(1 + size / self.curvature), size - step)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "width": self.width, "curvature": self.curvature}
