"""The geometric mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtlzoo.balancing.weighting.base import LossWeighting, count

Tensor = Any


class GeometricMean(LossWeighting):
    """The geometric mean of the losses: `L = (prod_i L_i)^(1 / K)`, over the `K` tasks present in the batch.

    Its gradient weighs `L_i` by `L / (K L_i)`, so that the scale of a loss makes no difference to its share.

    Args:
        epsilon: Losses below this count as this, with no gradient, since a loss of 0 would make the weights infinite.

    Source: Chennupati et al. 2019, MultiNet++, arXiv:1904.08492. Losses must not be negative.

    Example:

    ```python
    model.compile("adam", balancing="geometric_mean")
    ```
    """

    def __init__(self, epsilon: float = 1e-8):
        if not 1e-30 <= epsilon < float("inf"):
            raise ValueError(f"Expected `epsilon` of at least 1e-30, received: {epsilon!r}.")
        self.epsilon = float(epsilon)

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The geometric mean."""
        from keras import ops

        logs = ops.log(ops.maximum(ops.where(present, losses, ops.ones_like(losses)), self.epsilon))
        return ops.exp(ops.sum(ops.where(present, logs, ops.zeros_like(logs))) / count(present, losses.dtype))
