"""Fixed weights."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting, tensors, weighted_sum

Tensor = Any


class Static(LossWeighting):
    """A sum with fixed weights: `L = sum_i w_i L_i`, over the tasks `i`.

    Well-tuned ones are hard to beat (Xin et al. 2022, arXiv:2209.11379), and so is the plain sum with the regularisation
    that single tasks are trained with (Kurin et al. 2022, arXiv:2201.04122).

    Args:
        weights: The weight by the task's name, at least 0; 1 for tasks not named. Unlike in all other methods, it
            counts for one task alone too.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.Static({"age": 0.1, "gender": 2.0}))
    ```
    """

    balances_one_task = True

    def __init__(self, weights: Mapping[str, float] = MappingProxyType({})):
        for name, weight in weights.items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"Expected a weight of at least 0 for task {name!r}, received: {weight!r}.")
        self.weights = {name: float(weight) for name, weight in weights.items()}

    def with_options(self, options: Mapping[str, float]) -> Static:
        """The method with a weight for each task that is named: the arguments are the tasks."""
        return Static(options)

    def variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        """The weights in the order of the tasks.

        Raises:
            ValueError: If a weight is for none of the tasks.
        """
        unknown = [name for name in self.weights if name not in tasks]
        if unknown:
            raise ValueError(
                f"Expected weights for the tasks {', '.join(tasks)}, received also: {', '.join(map(str, unknown))}."
            )
        return {"weights": Variable(np.array([self.weights.get(name, 1.0) for name in tasks], "float32"), "constant")}

    def combine(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum over present tasks, also of one task."""
        from keras import ops

        losses = ops.convert_to_tensor(losses)
        present = ops.cast(present, "bool")
        return self.total(ops.where(present, losses, ops.zeros_like(losses)), present, tensors(variables))

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        return weighted_sum(variables["weights"], losses, present)
