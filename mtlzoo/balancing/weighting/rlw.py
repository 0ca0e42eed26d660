"""Random loss weighting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting, fractions, weighted_sum

Tensor = Any


class RandomLossWeighting(LossWeighting):
    """Weights drawn anew for each step: the baseline that every method has to beat.

    `L = sum_i w_i L_i` with `w = softmax(z)`, over the tasks `i` present in the batch, with standard normal `z_i`. The
    weights sum to 1.

    Source: Lin et al. 2022, arXiv:2111.10603.

    Example:

    ```python
    model.compile("adam", balancing="rlw")
    ```
    """

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        return {"draws": Variable(np.zeros(len(tasks), "float32"), "noise")}

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        return weighted_sum(fractions(variables["draws"], present), losses, present)
