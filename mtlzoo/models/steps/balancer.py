"""What a balancing method does in a training step, in `keras.ops`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mtlzoo.balancing import Balancing, GradientBalancing, GramianBalancing, LossWeighting
from mtlzoo.models import replicas
from mtlzoo.models.steps.monitor import TaskMonitor
from mtlzoo.models.steps.state import BalancingState

Tensor = Any
Gradients = Sequence[Sequence[Tensor]]  # of every task, with respect to the same tensors


class Balancer:
    """A balancing method at work on the tasks of one model.

    Args:
        balancing: The method.
        tasks: For each task, in order, whether its answers are numbers.
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
        uses_norms = getattr(self.balancing, "uses_gradient_norms", False)
        return isinstance(self.balancing, GradientBalancing) or uses_norms or self.monitor is not None

    @property
    def calls_numpy(self) -> bool:
        """Whether numpy computes inside the step, which XLA cannot compile for TensorFlow."""
        return isinstance(self.balancing, GramianBalancing)

    @property
    def of_parameters(self) -> bool:
        """Whether the tasks' gradients are those of the shared parameters rather than of the representation."""
        return getattr(self.balancing, "gradients", "representation") == "parameters"

    @property
    def recomputes(self) -> bool:
        """Whether the losses of the same batch are asked for after the step too."""
        return getattr(self.balancing, "uses_losses_after", False) and self.balancing.recompute

    # === Parts of a step ===

    def coefficients(
        self, losses: Tensor, present: Tensor, differentiate: Callable
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
        if not isinstance(self.balancing, LossWeighting):
            return ops.cast(present, losses.dtype), {}
        self._learn_from_last(losses, present)
        values = self.state.values()
        trained = self.state.trained

        def total(losses: Tensor, *learned: Tensor) -> Tensor:
            return self.balancing.combine(losses, present, {**values, **dict(zip(trained, learned))})

        first, *others = differentiate(total, [losses, *(values[name] for name in trained)])
        return first, dict(zip(trained, others))

    def direction(
        self,
        gradients: Gradients,
        losses: Tensor,
        present: Tensor,
        coefficients: Tensor,
        scale: Tensor | float,
        call_numpy: Callable,
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
        if not self._by_entries or self.monitor is not None:
            products = sum(ops.matmul(stack, ops.transpose(stack)) for stack in whole)
            products = products if self.of_parameters else replicas.total(products)
            gramian = products / ops.square(ops.cast(scale, "float32"))
        if self._by_entries:
            weights = ops.cast(present, "float32")
            combined = [self._combine(stack, present) for stack in whole]
        else:
            weights = self._weights(gramian, losses, present, coefficients, call_numpy)
            combined = [ops.matmul(weights[None, :], stack)[0] for stack in stacks]
        if self.monitor is not None:
            self.monitor.add(weights, gramian, present)
        return [ops.cast(ops.reshape(flat, ops.shape(like)), like.dtype) for flat, like in zip(combined, likes)]

    @property
    def _by_entries(self) -> bool:
        """Whether the direction is found entry by entry rather than by a weight for each task."""
        return isinstance(self.balancing, GradientBalancing) and not isinstance(self.balancing, GramianBalancing)

    def _combine(self, stack: Tensor, present: Tensor) -> Tensor:
        uniform = keras.random.uniform((ops.shape(stack)[1],), seed=self.state.seed)
        combined = self.balancing.combine(stack, present, uniform)
        return combined / replicas.count() if self.of_parameters else combined

    def _weights(
        self, gramian: Tensor, losses: Tensor, present: Tensor, coefficients: Tensor, call_numpy: Callable
    ) -> Tensor:
        if isinstance(self.balancing, GramianBalancing):
            kept = self.state.kept
            names = list(kept)

            def balance(gramian: Any, losses: Any, present: Any, seed: Any, *values: Any) -> tuple[np.ndarray, ...]:
                state = {name: np.asarray(value) for name, value in zip(names, values)}
                rng = np.random.default_rng(np.asarray(seed).astype("uint32"))
                weights, state = self.balancing.balance(
                    np.asarray(gramian), np.asarray(losses), np.asarray(present), state, rng
                )
                return tuple(np.asarray(value, "float32") for value in (weights, *(state[name] for name in names)))

            values = [ops.copy(kept[name]) for name in names]
            seed = ops.cast(self.state.seed.next(), "int64" if keras.backend.backend() == "tensorflow" else "uint32")
            weights, *changed = call_numpy(balance, [gramian, losses, present, seed, *values], [losses, *values])
            self.state.assign(dict(zip(names, changed)))
            return weights
        if self.balancing.uses_gradient_norms:
            norms = ops.sqrt(ops.maximum(ops.diagonal(gramian), 0.0))
            self.state.assign(self.balancing.on_gradients(norms, losses, present, self.state.values()))
        return coefficients

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
        if isinstance(self.balancing, LossWeighting):
            values = {key: np.asarray(ops.convert_to_numpy(value)) for key, value in self.state.kept.items()}
            self.state.assign(self.balancing.on_epoch_end(losses, values))


def _flat(tensor: Tensor) -> Tensor:
    return ops.reshape(ops.cast(tensor, "float32"), (-1,))
