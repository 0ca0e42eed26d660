"""What every way of balancing the tasks is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np

Gradients = Literal["representation", "parameters"]
State = dict[str, np.ndarray]


class Balancing(ABC):  # noqa: B024 - its two kinds have nothing to do in common
    """A way to make one step of many losses. A small object that is described by its constructor's arguments.

    There are two kinds: :class:`mtlzoo.balancing.LossWeighting` combines the losses before the one backward pass,
    :class:`GradientBalancing` combines the tasks' gradients.
    """

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, which every method keeps under their own names, as plain JSON values."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Balancing:
        """The method that `get_config` describes."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((type(self), repr(self.get_config())))

    def __repr__(self) -> str:
        defaults = {name: entry.default for name, entry in inspect.signature(type(self)).parameters.items()}
        told = {name: value for name, value in self.get_config().items() if value != defaults[name]}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in told.items())})"


class GradientBalancing(Balancing):
    """A way to make one direction of the tasks' gradients.

    Args:
        gradients: With respect to what the tasks' gradients are compared. `"representation"`: the shared features that
            all heads see, which costs one backward pass through the backbone whatever the number of heads.
            `"parameters"`: the shared parameters, one backward pass for each head.

    The tasks' gradients with respect to the parameters are those with respect to the representation times the
    backbone's Jacobian. What a method promises of the ones (such as a direction in conflict with no task) it promises
    of the others only as far as that Jacobian keeps angles; each method says which of its promises need `"parameters"`.
    """

    def __init__(self, *, gradients: Gradients = "representation"):
        if gradients not in ("representation", "parameters"):
            raise ValueError(f'Expected `gradients` to be "representation" or "parameters", received: {gradients!r}.')
        self.gradients = gradients


class GramianBalancing(GradientBalancing):
    """A gradient balancing that needs to know the gradients' inner products only.

    With the tasks' gradients `g_i` and their Gramian `G_ij = <g_i, g_j>` the method gives weights `w`, and the
    direction is `sum_i w_i g_i`. Subclasses implement :meth:`step`; training calls :meth:`balance`.

    Numbers only: it is a pure function of numpy arrays, computed in float64, so that every backend gets the same
    weights.
    """

    def initial_state(self, tasks: int) -> State:
        """What the method remembers from step to step, before the first.

        Args:
            tasks: The number of tasks.

        Returns:
            Arrays by name whose shapes and dtypes never change; each axis of each is the tasks', scalars are for all.
        """
        return {}

    @abstractmethod
    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of tasks that all have labels, at least two.

        Args:
            gramian: Float64 `(tasks, tasks)`, symmetric and finite.
            losses: Float64 `(tasks,)`.
            state: As :meth:`initial_state` gives it; not to be changed in place.
            rng: For methods that draw.

        Returns:
            Finite weights `(tasks,)`, and the state for the next step.
        """

    def balance(
        self, gramian: np.ndarray, losses: np.ndarray, present: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of one training step.

        Args:
            gramian: `(tasks, tasks)`, the inner products of the tasks' gradients; what stands in the rows and columns
                of absent tasks is ignored.
            losses: `(tasks,)`, likewise.
            present: Bool `(tasks,)`: which tasks have labelled rows in the batch.
            state: From :meth:`initial_state` or the last call.
            rng: For methods that draw.

        Returns:
            Float64 weights `(tasks,)`, 0 for absent tasks, and the new state. One present task alone has weight exactly
            1. Where a gradient is not finite all weights are 1: the sum then is not finite either, as in plain
            training, which a loss scale notices and the state survives.

        Example:

        ```python
        gradients, rng = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]), np.random.default_rng(0)
        weights, _ = mtl.balancing.MGDA().balance(gradients @ gradients.T, np.ones(2), np.ones(2, bool), {}, rng)
        weights @ gradients  # [0, 1, 1]
        ```
        """
        present = np.asarray(present, bool)
        (tasks,) = np.nonzero(present)
        weights = present.astype("float64")
        gramian = np.asarray(gramian, "float64")[np.ix_(tasks, tasks)]
        losses = np.asarray(losses, "float64")[tasks]
        if len(tasks) < 2 or not np.isfinite(gramian).all():
            return weights, state
        known = {name: value[np.ix_(*[tasks] * value.ndim)].astype("float64") for name, value in state.items()}
        weights[tasks], changed = self.step((gramian + gramian.T) / 2, losses, known, rng)
        state = {name: np.array(value) for name, value in state.items()}
        for name, value in changed.items():
            state[name][np.ix_(*[tasks] * state[name].ndim)] = value
        return weights, state
