"""Adam for the few numbers that a loss weighting learns by itself, beside the optimizer of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable

Tensor = Any


def adam_variables(name: str, value: np.ndarray) -> dict[str, Variable]:
    """The learned numbers, one a task, and what Adam remembers of them."""
    zeros = np.zeros_like(value)
    return {key: Variable(zeros, "state") for key in (f"{name}_mean", f"{name}_square", f"{name}_steps")} | {
        name: Variable(value, "state")
    }


def adam_step(
    name: str, gradient: Tensor, present: Tensor, variables: Mapping[str, Tensor], learning_rate: float
) -> dict[str, Tensor]:
    """One step of Adam (Kingma and Ba 2015, arXiv:1412.6980) with its usual constants, for present tasks only.

    An absent task's numbers all stay as they are, its count of steps too.
    """
    from keras import ops

    mean = 0.9 * variables[f"{name}_mean"] + 0.1 * gradient
    square = 0.999 * variables[f"{name}_square"] + 0.001 * gradient * gradient
    steps = variables[f"{name}_steps"] + 1.0
    slope = mean / (1 - ops.power(0.9, steps))
    size = ops.sqrt(square / (1 - ops.power(0.999, steps)))
    value = variables[name] - learning_rate * slope / (size + 1e-8)
    new = {name: value, f"{name}_mean": mean, f"{name}_square": square, f"{name}_steps": steps}
    return {key: ops.where(present, value, variables[key]) for key, value in new.items()}
