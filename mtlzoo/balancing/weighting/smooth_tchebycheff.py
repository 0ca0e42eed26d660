"""Smooth Tchebycheff scalarization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting, count

Tensor = Any


class SmoothTchebycheff(LossWeighting):
    """A smooth maximum of the losses: the worst task counts most.

    `L = mu log(sum_i exp(L_i / (K mu)))`, over the `K` tasks `i` present in the batch. For `mu` towards 0 it is the
    largest `L_i / K`.

    Args:
        mu: How smooth, above 0.
        warmup: So many epochs begin with the mean of the losses; afterwards each loss is divided by its mean over the
            last of them, so that losses of different scale can be compared. With 0 they are compared as they are.

    Source: Lin et al. 2024, arXiv:2402.19078, with equal preferences that sum to 1 and the ideal point 0. The paper
    tries `mu` from 0.01 to 1. Some libraries compare the logarithms of the losses instead.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.SmoothTchebycheff(mu=0.1, warmup=1))
    ```
    """

    def __init__(self, mu: float = 1.0, warmup: int = 0):
        if not 0 < mu < float("inf"):
            raise ValueError(f"Expected `mu` above 0, received: {mu!r}.")
        if warmup != int(warmup) or warmup < 0:
            raise ValueError(f"Expected `warmup` to be a number of epochs, received: {warmup!r}.")
        self.mu = float(mu)
        self.warmup = int(warmup)

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        if not self.warmup:
            return {}
        return {
            "scales": Variable(np.ones(len(tasks), "float32"), "state"),
            "epochs": Variable(np.zeros((), "float32"), "state"),
        }

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The smooth maximum, or the mean at first."""
        from keras import ops

        tasks = count(present, losses.dtype)
        scaled = losses / variables["scales"] if variables else losses
        exponents = ops.where(present, scaled / (tasks * self.mu), ops.full_like(losses, -1e30))
        largest = ops.stop_gradient(ops.max(exponents))
        sums = ops.sum(ops.where(present, ops.exp(exponents - largest), ops.zeros_like(losses)))
        smooth = self.mu * (ops.log(ops.maximum(sums, 1e-30)) + largest)
        if not variables:
            return smooth
        return ops.where(variables["epochs"] < self.warmup, ops.sum(losses) / tasks, smooth)

    def on_epoch_end(self, losses: np.ndarray, variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Count, and take the scales at the end of the warm-up."""
        if not variables:
            return {}
        scales, epochs = np.asarray(variables["scales"]), np.asarray(variables["epochs"]) + 1
        if epochs == self.warmup:
            known = np.isfinite(losses) & (np.nan_to_num(losses) > 0)
            scales = np.where(known, losses, scales)
        return {"scales": scales.astype("float32"), "epochs": epochs.astype("float32")}
