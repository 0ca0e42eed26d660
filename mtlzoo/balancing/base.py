"""What every way of balancing the tasks is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Tensor = Any
# `differentiate(function, arguments)` gives the derivatives of a scalar function with respect to its arguments.
Differentiate = Callable[[Callable[..., Tensor], Sequence[Tensor]], Sequence[Tensor]]
# `call_numpy(function, arguments, results)` calls a function of numpy arrays whose results are like the given tensors.
CallNumpy = Callable[[Callable[..., Any], Sequence[Tensor], Sequence[Tensor]], Sequence[Tensor]]


@dataclass(frozen=True)
class Variable:
    """A value that a balancing method needs from step to step.

    Attributes:
        value: Its first value, float32.
        role: `"trained"`: by the optimizer, beside the network's weights, on the total's gradient. `"state"`: what the
            method's hooks return takes its place; saved with the training state. `"noise"`: standard normal numbers
            drawn anew for each step, the same on all replicas. `"constant"`: never changes.

    Example:

    ```python
    mtl.balancing.Variable(np.zeros(3, "float32"), "trained")
    ```
    """

    value: np.ndarray
    role: Literal["trained", "state", "noise", "constant"]


@dataclass(frozen=True)
class TaskGradients:
    """What a training step knows of the tasks when it asks a method for their weights; tensors, in `keras.ops`.

    Attributes:
        gramian: Float32 `(tasks, tasks)`, the inner products of the tasks' gradients over all replicas; `None` for a
            method that works entry by entry.
        losses: `(tasks,)`.
        present: Bool `(tasks,)`: which tasks have labelled rows in the batch.
        coefficients: `(tasks,)`, from :meth:`Balancing.differentiate_total`.
        variables: Gives the values of the method's variables by name, noise drawn anew.
        state: Gives the present values of those with the role `"state"`.
        seed: Gives a new seed, a whole number.
        call_numpy: Calls a function of numpy arrays within the step.

    Example:

    ```python
    class Largest(mtl.balancing.GradientBalancing):
        # The task with the largest loss alone.

        def weigh_tasks(self, step: mtl.balancing.TaskGradients):
            losses = ops.where(step.present, step.losses, -np.inf)
            return ops.cast(losses == ops.max(losses), "float32"), {}
    ```
    """

    gramian: Tensor
    losses: Tensor
    present: Tensor
    coefficients: Tensor
    variables: Callable[[], dict[str, Tensor]]
    state: Callable[[], dict[str, Tensor]]
    seed: Callable[[], Tensor]
    call_numpy: CallNumpy


class Balancing(ABC):
    """A way to make one step of many losses. A small object that is described by its constructor's arguments.

    There are two kinds: :class:`mtlzoo.balancing.LossWeighting` combines the losses before the one backward pass,
    :class:`GradientBalancing` combines the tasks' gradients. Training does not ask which: it reads the attributes and calls
    the methods below.

    Attributes:
        balances_one_task: Whether there is something to do for one task alone, too.
        calls_numpy: Whether numpy computes within the step, which XLA cannot compile for TensorFlow.
        entrywise: Whether the direction is found entry by entry, from the gradients over all replicas, rather than by one
            weight for each task.
        uses_losses_after: Whether :meth:`on_step` is to be called after each step, with the losses before and after.
        recompute: Whether these losses after are computed for the same batch, by one more forward pass, rather than taken
            from the next batch.

    Example:

    ```python
    method = mtl.balancing.get_balancing("pcgrad")
    isinstance(method, mtl.balancing.Balancing), method.get_config()
    ```
    """

    balances_one_task: bool = False
    calls_numpy: bool = False
    entrywise: bool = False
    uses_losses_after: bool = False
    recompute: bool = False

    def with_options(self, options: Mapping[str, Any]) -> Balancing:
        """A method of this kind with the arguments that a command line gives by name.

        Args:
            options: Values by the names of arguments.

        Raises:
            ValueError: If there is no such argument.
        """
        known = list(self.get_config())
        if unknown := sorted(options.keys() - known):
            raise ValueError(
                f"{type(self).__name__} has {', '.join(known) or 'no arguments'}, received: {', '.join(unknown)}."
            )
        return type(self)(**options)

    @property
    def needs_task_gradients(self) -> bool:
        """Whether the gradients of the single tasks are asked for."""
        return False

    @property
    def compares_parameters(self) -> bool:
        """Whether the tasks' gradients are those of the shared parameters rather than of the representation."""
        return False

    # === Parts of a step ===

    def variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        """What the method needs.

        Args:
            tasks: For each task's name, in the order of the losses, whether its predictions are numbers rather than classes.

        Returns:
            Variables by name.
        """
        return {}

    @abstractmethod
    def differentiate_total(
        self,
        losses: Tensor,
        present: Tensor,
        variables: Callable[[], Mapping[str, Tensor]],
        trained: Sequence[str],
        differentiate: Differentiate,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What each task's loss counts for in the layers that belong to one head.

        Args:
            losses: Floats `(tasks,)`.
            present: Bool `(tasks,)`.
            variables: Gives the values of the method's variables by name.
            trained: The names of those that the optimizer trains.
            differentiate: Gives the derivatives of a scalar function.

        Returns:
            The derivatives of the total with respect to the losses `(tasks,)`, and with respect to the variables that the
            optimizer trains, by name.
        """

    @abstractmethod
    def weigh_tasks(self, step: TaskGradients) -> tuple[Tensor, Mapping[str, Tensor]]:
        """What each task's gradient is multiplied by in the layers that all tasks share, and new values of variables.

        Returns:
            Floats `(tasks,)`, and tensors by the names of variables.
        """

    def combine_gradients(
        self, gradients: Tensor, weights: Tensor, present: Tensor, draw: Callable[[tuple[Any, ...]], Tensor]
    ) -> Tensor:
        """One direction of the tasks' gradients: their weighted sum.

        Args:
            gradients: Floats `(tasks, entries)`.
            weights: Floats `(tasks,)`, from :meth:`weigh_tasks`.
            present: Bool `(tasks,)`.
            draw: Draws numbers from `[0, 1)` in a shape, the same on all replicas.

        Returns:
            Floats `(entries,)`.
        """
        from keras import ops

        return ops.matmul(weights[None, :], gradients)[0]

    # === Hooks: each returns new values of some variables ===

    def on_step(
        self, before: Tensor, after: Tensor, present: Tensor, variables: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Learn from the losses `(tasks,)` of one batch before and after the step, in `keras.ops`."""
        return {}

    def on_epoch_end(self, losses: np.ndarray, variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Learn from the mean losses `(tasks,)` over an epoch's labelled rows, `NaN` for a task without, in numpy."""
        return {}

    # === Files ===

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
        given = {name: value for name, value in self.get_config().items() if value != defaults[name]}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"
