"""FAMO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.adam import adam_step, adam_variables
from mtlzoo.balancing.weighting.base import LossWeighting, fractions, tensors, weighted_sum

Tensor = Any

EPSILON = 1e-8
TINY = 1e-30


class FAMO(LossWeighting):
    """Fast adaptive multitask optimization: all losses are to fall by the same share, found from the losses alone.

    `L = c sum_i z_i log(L_i + e)` with `z = softmax(w)`, over the tasks `i` present in the batch, and
    `c = 1 / sum_i (z_i / (L_i + e))` taken as constant, which makes the gradient a convex combination of the tasks';
    `e` is 1e-8. After the step, with the changes `d_i = log(L_i + e) - log(L_i' + e)`, the logits take a step of Adam
    on `sum_i z_i d_i + decay ||w||^2 / 2`: the loss that fell least gets more weight.

    Args:
        learning_rate: Adam's, for the logits.
        decay: What draws the logits back to 0.
        recompute: Whether the losses after the step are those of the same batch, as in the paper, which takes one more
            forward pass; else the next batch's, which is free and noisier.

    Source: Liu et al. 2023, arXiv:2306.03792. `decay` is 1e-3 in the paper, 1e-5 in the authors' code. Losses must not
    be negative.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.FAMO(learning_rate=0.01))
    ```
    """

    uses_losses_after = True

    def __init__(self, learning_rate: float = 0.025, decay: float = 1e-3, recompute: bool = True):
        if not 0 <= learning_rate < float("inf"):
            raise ValueError(f"Expected `learning_rate` of at least 0, received: {learning_rate!r}.")
        if not 0 <= decay < float("inf"):
            raise ValueError(f"Expected `decay` of at least 0, received: {decay!r}.")
        self.learning_rate = float(learning_rate)
        self.decay = float(decay)
        self.recompute = bool(recompute)

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        return adam_variables("logits", np.zeros(len(tasks), "float32"))

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The weighted logarithms, scaled."""
        from keras import ops

        losses = ops.maximum(losses, 0.0) + EPSILON
        weights = fractions(variables["logits"], present)
        scale = ops.sum(weights / ops.stop_gradient(losses))
        return weighted_sum(weights / ops.maximum(scale, TINY), ops.log(losses), present)

    def on_step(
        self, before: Tensor, after: Tensor, present: Tensor, variables: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Move the logits of present tasks."""
        from keras import ops

        if not variables:
            return {}
        variables, present = tensors(variables), ops.cast(present, "bool")
        both = ops.logical_and(ops.isfinite(before), ops.isfinite(after))
        present = ops.logical_and(present, both)
        before = ops.maximum(ops.where(present, before, ops.ones_like(before)), 0.0) + EPSILON
        after = ops.maximum(ops.where(present, after, ops.ones_like(after)), 0.0) + EPSILON
        change = ops.log(before) - ops.log(after)
        logits = variables["logits"]
        weights = fractions(logits, present)
        gradient = weights * (change - ops.sum(weights * change)) + self.decay * logits
        return adam_step("logits", gradient, present, variables, self.learning_rate)
