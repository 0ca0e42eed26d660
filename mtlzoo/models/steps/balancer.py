"""What a balancing method does in a training step, in `keras.ops`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mtlzoo.balancing import Balancing, TaskGradients
from mtlzoo.balancing.base import CallNumpy, Differentiate
from mtlzoo.models import replicas
from mtlzoo.models.steps.monitor import TaskMonitor
from mtlzoo.models.steps.state import BalancingState

Tensor = Any
Gradients = Sequence[Sequence[Tensor]]  # of every task, with respect to the same tensors


class Balancer:
    """A balancing method at work on the tasks of one model.

    Args:
        balancing: The method.
        tasks: For each task, in order, whether its predictions are numbers.
        state: What is left of an earlier training with the same method; new by default.
        only_monitors: Whether it was made to be monitored, not asked for.

    Attributes:
        state: The method's variables.
        monitor: What is counted of the steps, or `None`.
    """

    def __init__(
        self,
        balancing: Balancing,
        tasks: Mapping[str, bool],
        state: BalancingState | None = None,
        only_monitors: bool = False,
    ):
        self.balancing = balancing
        self.only_monitors = only_monitors
        self.tasks = dict(tasks)
        self.state = state or BalancingState(balancing, tasks)
        self.monitor: TaskMonitor | None = None

    # === What the step has to find out ===

    @property
    def needs_task_gradients(self) -> bool:
        """Whether the gradients of the single tasks are asked for."""
        return self.balancing.needs_task_gradients or self.monitor is not None

    @property
    def of_parameters(self) -> bool:
        """Whether the tasks' gradients are those of the shared parameters rather than of the representation."""
        return self.balancing.compares_parameters

    @property
    def recomputes(self) -> bool:
        """Whether the losses of the same batch are asked for after the step too."""
        return self.balancing.uses_losses_after and self.balancing.recompute

    # === Parts of a step ===

    def coefficients(
        self, losses: Tensor, present: Tensor, differentiate: Differentiate
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What each task's loss counts for in the layers that belong to one head.

        Args:
            losses: `(tasks,)`.
            present: Bool `(tasks,)`.
            differentiate: `differentiate(function, arguments)` gives the derivatives of a scalar function.

        Returns:
            The derivatives of the total with respect to the losses `(tasks,)`, and with respect to the variables that the
            optimizer trains, by name. Gradient balancing leaves each head its own loss.
        """
        self._learn_from_last(losses, present)
        return self.balancing.differentiate_total(losses, present, self.state.values, self.state.trained, differentiate)

    def direction(
        self,
        gradients: Gradients,
        losses: Tensor,
        present: Tensor,
        coefficients: Tensor,
        scale: Tensor | float,
        call_numpy: CallNumpy,
    ) -> list[Tensor]:
        """One direction of the tasks' gradients.

        Args:
            gradients: For each task a list of tensors, all of the same shapes; of one replica's share of the losses.
            losses: `(tasks,)`.
            present: Bool `(tasks,)`.
            coefficients: What :meth:`coefficients` gave.
            scale: The factor of mixed precision that the gradients come with, which the direction keeps.
            call_numpy: `call_numpy(function, arguments, results)` calls a function of numpy arrays whose results are like
                the given ones.

        Returns:
            Tensors of the same shapes, again one replica's share.
        """
        likes = gradients[0]
        stacks = [ops.stack([_flat(part) for part in parts]) for parts in zip(*gradients)]
        # A representation's rows are each replica's own, parameters are those of all.
        whole = [replicas.total(stack) if self.of_parameters else stack for stack in stacks]
        gramian = None
        if not self.balancing.entrywise or self.monitor is not None:
            products = sum(ops.matmul(stack, ops.transpose(stack)) for stack in whole)
            products = products if self.of_parameters else replicas.total(products)
            gramian = products / ops.square(ops.cast(scale, "float32"))
        weights, changed = self.balancing.weigh_tasks(
            TaskGradients(
                gramian=gramian,
                losses=losses,
                present=present,
                coefficients=coefficients,
                variables=self.state.values,
                state=self.state.kept_values,
                seed=self._seed,
                call_numpy=call_numpy,
            )
        )
        self.state.assign(changed)
        # What is decided entry by entry is decided of the gradients over all replicas, each of which then takes its part.
        sources = whole if self.balancing.entrywise else stacks
        combined = [self.balancing.combine_gradients(stack, weights, present, self._draw) for stack in sources]
        if self.balancing.entrywise and self.of_parameters:
            combined = [part / replicas.count() for part in combined]
        if self.monitor is not None:
            self.monitor.add(weights, gramian, present)
        return [ops.cast(ops.reshape(flat, ops.shape(like)), like.dtype) for flat, like in zip(combined, likes)]

    def _draw(self, shape: tuple[Any, ...]) -> Tensor:
        return keras.random.uniform(shape, seed=self.state.seed)

    def _seed(self) -> Tensor:
        return ops.cast(self.state.seed.next(), "int64" if keras.backend.backend() == "tensorflow" else "uint32")

    # === Learning from losses ===

    def after_step(self, before: Tensor, after: Tensor, present: Tensor) -> None:
        """Learn from the losses of one batch before and after the step."""
        self.state.assign(self.balancing.on_step(before, after, present, self.state.values()))

    def _learn_from_last(self, losses: Tensor, present: Tensor) -> None:
        """Where losses after a step are not computed anew, those of the next batch stand for them."""
        if "losses_before" not in self.state.kept:
            return
        values = self.state.values()
        both = ops.logical_and(present, values["present_before"] > 0)
        self.after_step(values["losses_before"], losses, both)
        now = ops.cast(present, "float32")
        self.state.assign({"losses_before": losses, "present_before": now})

    def on_epoch_end(self, losses: np.ndarray) -> None:
        """Learn from the epoch's mean losses `(tasks,)`, `NaN` for a task without labelled rows."""
        values = {key: np.asarray(ops.convert_to_numpy(value)) for key, value in self.state.kept.items()}
        self.state.assign(self.balancing.on_epoch_end(losses, values))


def _flat(tensor: Tensor) -> Tensor:
    return ops.reshape(ops.cast(tensor, "float32"), (-1,))
