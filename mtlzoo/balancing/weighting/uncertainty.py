"""Uncertainty weighting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting

Tensor = Any


class Uncertainty(LossWeighting):
    """Weights by the tasks' uncertainty, learned with the network.

    `L = sum_i f_i exp(-s_i) L_i + s_i / 2`, over the tasks `i`, with the log-variance `s_i = log sigma_i^2` of task
    `i`'s noise; `f_i` is 1/2 for regression and 1 for classification, as the likelihoods of the paper give it. At the
    best `s_i` the weight of `L_i` is `1 / (2 L_i)` for both: `f_i` counts on the way only.

    Args:
        initial: The log-variances at the start.

    Source: Kendall, Gal and Cipolla 2018, arXiv:1705.07115. They are trained by the model's own optimizer and learning
    rate. Some libraries take 1/2 for every loss, or start at -0.5.

    Example:

    ```python
    model.compile("adam", balancing="uncertainty")
    ```
    """

    def __init__(self, initial: float = 0.0):
        if not np.isfinite(initial):
            raise ValueError(f"Expected a finite `initial` log-variance, received: {initial!r}.")
        self.initial = float(initial)

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        factors = [0.5 if regression else 1.0 for regression in tasks.values()]
        return {
            "log_variances": Variable(np.full(len(tasks), self.initial, "float32"), "trained"),
            "factors": Variable(np.array(factors, "float32"), "constant"),
        }

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The negative log-likelihood."""
        from keras import ops

        log_variances = variables["log_variances"]
        parts = variables["factors"] * ops.exp(-log_variances) * losses + log_variances / 2
        return ops.sum(ops.where(present, parts, ops.zeros_like(parts)))
