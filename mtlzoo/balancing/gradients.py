"""What every gradient balancing is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from mtlzoo.balancing.base import Balancing, Differentiate, TaskGradients, Tensor, Variable

Gradients = Literal["representation", "parameters"]
State = dict[str, np.ndarray]


class GradientBalancing(Balancing):
    """A way to make one direction of the tasks' gradients.

    Args:
        gradients: With respect to what the tasks' gradients are compared. `"representation"`: the shared features that
            all heads see, which costs one backward pass through the backbone whatever the number of heads.
            `"parameters"`: the shared parameters, one backward pass for each head.

    The tasks' gradients with respect to the parameters are those with respect to the representation times the
    backbone's Jacobian. What a method promises of the ones (such as a direction in conflict with no task) it promises
    of the others only as far as that Jacobian keeps angles; each method says which of its promises need `"parameters"`.

    Example:

    ```python
    class Present(mtl.balancing.GradientBalancing):
        # The mean of the gradients of those tasks that have labels in the batch.

        def weigh_tasks(self, step):
            present = ops.cast(step.present, "float32")
            return present / ops.maximum(ops.sum(present), 1.0), {}

    model.compile(balancing=Present(gradients="representation"))
    ```
    """

    def __init__(self, *, gradients: Gradients = "representation"):
        if gradients not in ("representation", "parameters"):
            raise ValueError(f'Expected `gradients` to be "representation" or "parameters", received: {gradients!r}.')
        self.gradients = gradients

    @property
    def needs_task_gradients(self) -> bool:
        """They are what is combined."""
        return True

    @property
    def compares_parameters(self) -> bool:
        """As the argument `gradients` says."""
        return self.gradients == "parameters"

    def differentiate_total(
        self,
        losses: Tensor,
        present: Tensor,
        variables: Callable[[], Mapping[str, Tensor]],
        trained: Sequence[str],
        differentiate: Differentiate,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Each head's own loss counts as it is."""
        from keras import ops

        return ops.cast(present, losses.dtype), {}


class EntrywiseBalancing(GradientBalancing):
    """A gradient balancing that decides entry by entry. Subclasses implement :meth:`combine`.

    Args:
        gradients: As for :class:`GradientBalancing`.

    Example:

    ```python
    class Median(mtl.balancing.EntrywiseBalancing):
        # The median of the tasks' gradients, entry by entry; those without labels count as zeros.

        def combine(self, gradients, present, uniform):
            return ops.median(ops.where(present[:, None], gradients, 0.0), axis=0)
    ```
    """

    entrywise = True

    @abstractmethod
    def combine(self, gradients: Tensor, present: Tensor, uniform: Tensor) -> Tensor:
        """The direction, with whatever backend Keras runs.

        Args:
            gradients: Floats `(tasks, entries)`.
            present: Bool `(tasks,)`: which tasks have labelled rows; the rows of the others are ignored, `NaN` too.
            uniform: Floats `(entries,)` drawn from `[0, 1)`, the same on all replicas.

        Returns:
            Floats `(entries,)`. One present task alone gives its gradient as it is, none gives zeros.
        """

    def weigh_tasks(self, step: TaskGradients) -> tuple[Tensor, Mapping[str, Tensor]]:
        """No task has a weight of its own: 1 for those that are present."""
        from keras import ops

        return ops.cast(step.present, "float32"), {}

    def combine_gradients(
        self, gradients: Tensor, weights: Tensor, present: Tensor, draw: Callable[[tuple[Any, ...]], Tensor]
    ) -> Tensor:
        """By :meth:`combine`, with one number drawn for each entry."""
        from keras import ops

        return self.combine(gradients, present, draw((ops.shape(gradients)[1],)))


class GramianBalancing(GradientBalancing):
    """A gradient balancing that needs to know the gradients' inner products only.

    With the tasks' gradients `g_i` and their Gramian `G_ij = <g_i, g_j>` the method gives weights `w`, and the
    direction is `sum_i w_i g_i`. Subclasses implement :meth:`step`; training calls :meth:`balance`.

    Numbers only: it is a pure function of numpy arrays, computed in float64, so that every backend gets the same
    weights.

    Args:
        gradients: As for :class:`GradientBalancing`.

    Example:

    ```python
    class EqualNorms(mtl.balancing.GramianBalancing):
        # Each task's gradient at length 1.

        def step(self, gramian, losses, state, rng):
            return 1 / np.sqrt(np.diag(gramian)), state
    ```
    """

    calls_numpy = True

    def variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        """What the method remembers, from :meth:`initial_state`."""
        return {name: Variable(value, "state") for name, value in self.initial_state(len(tasks)).items()}

    def weigh_tasks(self, step: TaskGradients) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The weights of :meth:`balance`, which is called within the step."""
        state = step.state()
        names = list(state)

        def call(gramian: Any, losses: Any, present: Any, seed: Any, *values: Any) -> tuple[np.ndarray, ...]:
            kept = {name: np.asarray(value) for name, value in zip(names, values)}
            rng = np.random.default_rng(np.asarray(seed).astype("uint32"))
            weights, kept = self.balance(np.asarray(gramian), np.asarray(losses), np.asarray(present), kept, rng)
            return tuple(np.asarray(value, "float32") for value in (weights, *(kept[name] for name in names)))

        values = list(state.values())
        arguments = [step.gramian, step.losses, step.present, step.seed(), *values]
        weights, *changed = step.call_numpy(call, arguments, [step.losses, *values])
        return weights, dict(zip(names, changed))

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
