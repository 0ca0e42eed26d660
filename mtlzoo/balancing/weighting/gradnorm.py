"""GradNorm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.adam import adam_step, adam_variables
from mtlzoo.balancing.weighting.base import LossWeighting, count, tensors, weighted_sum

Tensor = Any

# A weight of 0 would be left for good, and a negative one would train the network to fail.
SMALLEST_WEIGHT = 1e-3
TINY = 1e-30


class GradNorm(LossWeighting):
    """Weights that are learned until all tasks pull equally, and those that lag behind pull more.

    `L = sum_i w_i L_i`, over the tasks `i`. With the norms `n_i` of the gradients of `L_i`, and the relative inverse
    training rates `r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0))`, the weights take at each step one step of Adam on
    `sum_i |w_i n_i - c_i|`, where `c_i = r_i^alpha mean_j (w_j n_j)` is taken as constant; then they are scaled to sum
    to the number of tasks. `L_i(0)` is task `i`'s loss at its first step.

    Args:
        alpha: How much more the tasks that lag behind pull, at least 0; 0 makes all norms equal.
        learning_rate: Adam's, for the weights.

    Source: Chen et al. 2018, arXiv:1711.02257. Weights are held above 0.001, which the paper leaves open. The norms may
    be with respect to the last shared layer's parameters, as in the paper, or to its output.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.GradNorm(alpha=0.5))
    ```
    """

    uses_gradient_norms = True

    def __init__(self, alpha: float = 1.5, learning_rate: float = 0.025):
        if not 0 <= alpha < float("inf"):
            raise ValueError(f"Expected `alpha` of at least 0, received: {alpha!r}.")
        if not 0 <= learning_rate < float("inf"):
            raise ValueError(f"Expected `learning_rate` of at least 0, received: {learning_rate!r}.")
        self.alpha = float(alpha)
        self.learning_rate = float(learning_rate)

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        first = np.full(len(tasks), np.nan, "float32")
        return {
            **adam_variables("weights", np.ones(len(tasks), "float32")),
            "first_losses": Variable(first, "state"),
        }

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        return weighted_sum(variables["weights"], losses, present)

    def on_gradients(
        self, norms: Tensor, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Move the weights of present tasks, whose sum stays."""
        from keras import ops

        if not variables:
            return {}
        variables, present = tensors(variables), ops.cast(present, "bool")
        finite = ops.all(
            ops.where(present, ops.logical_and(ops.isfinite(norms), ops.isfinite(losses)), ops.ones_like(present))
        )
        present = ops.logical_and(present, finite)

        def mean(values: Tensor) -> Tensor:
            return ops.sum(ops.where(present, values, ops.zeros_like(values))) / count(present, values.dtype)

        zeros = ops.zeros_like(losses)
        norms, losses = ops.where(present, norms, zeros), ops.where(present, losses, zeros)
        first = variables["first_losses"]
        first = ops.where(ops.logical_and(ops.isnan(first), present), losses, first)
        weights = variables["weights"]
        ratios = losses / ops.where(first > TINY, first, ops.ones_like(first))
        rates = ratios / ops.maximum(mean(ratios), TINY)
        # In units of their mean: sizes do not matter to Adam but beside its own small constant.
        pulls = weights * (norms / ops.maximum(ops.max(norms), TINY))
        pulls = pulls / ops.maximum(mean(pulls), TINY)
        gradient = ops.sign(pulls - ops.power(rates, self.alpha)) * pulls / weights
        new = adam_step("weights", gradient, present, variables, self.learning_rate)
        moved = ops.maximum(new["weights"], SMALLEST_WEIGHT)
        moved = moved * (mean(weights) / ops.maximum(mean(moved), TINY))
        return {**new, "weights": ops.where(present, moved, weights), "first_losses": first}
