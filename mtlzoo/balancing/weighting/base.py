"""What every loss weighting is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mtlzoo.balancing.base import Balancing

Tensor = Any


@dataclass(frozen=True)
class Variable:
    """A value that a loss weighting needs.

    Attributes:
        value: Its first value, float32.
        role: `"trained"`: by the optimizer, beside the network's weights, on the total's gradient. `"state"`: what the
            method's hooks return takes its place; saved with the training state. `"noise"`: standard normal numbers
            drawn anew for each step, the same on all replicas. `"constant"`: never changes.
    """

    value: np.ndarray
    role: Literal["trained", "state", "noise", "constant"]


class LossWeighting(Balancing):
    """A way to make one total of the tasks' losses, before the one backward pass.

    A method is described by its constructor's arguments and keeps nothing else: what it learns stands in variables that
    training makes from :meth:`variables` and hands to :meth:`combine`, and to the hooks that return new values for
    them. Subclasses implement :meth:`total`, in `keras.ops`, and what else they need.

    A task without labelled rows in the batch takes no part: the total is what the others would give without it. One
    task in all has no need of balance: its total is its loss, to the bit, and it has no variables.

    Attributes:
        uses_losses_after: Whether :meth:`on_step` is to be called after each step, with the losses before and after.
        uses_gradient_norms: Whether :meth:`on_gradients` is to be called at each step, with the norms of the tasks'
            gradients.
    """

    uses_losses_after = False
    uses_gradient_norms = False

    def variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        """What the method needs.

        Args:
            tasks: For each task's name, in the order of the losses, whether its answers are numbers rather than
                classes.

        Returns:
            Variables by name; none for one task.
        """
        return self._variables(tasks) if len(tasks) > 1 else {}

    def combine(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The total of one step.

        Args:
            losses: Floats `(tasks,)`; what stands for absent tasks is ignored, `NaN` too.
            present: Bool or numbers `(tasks,)`: which tasks have labelled rows in the batch.
            variables: By the names that :meth:`variables` gave.

        Returns:
            A float scalar, exactly 0 where no task is present. It is differentiable, with zero gradients for absent
            tasks.
        """
        from keras import ops

        losses = ops.convert_to_tensor(losses)
        present = ops.cast(present, "bool")
        kept = ops.where(present, losses, ops.zeros_like(losses))
        if losses.shape[0] == 1:
            return kept[0]
        total = self.total(kept, present, tensors(variables))
        return ops.where(ops.any(present), total, ops.zeros_like(total))

    @abstractmethod
    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The total of at least two tasks, losses of absent ones being 0; finite also where none is present."""

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        return {}

    # === Hooks: each returns new values of some variables ===

    def on_step(
        self, before: Tensor, after: Tensor, present: Tensor, variables: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Learn from the losses `(tasks,)` of one batch before and after the step, in `keras.ops`."""
        return {}

    def on_gradients(
        self, norms: Tensor, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Learn from the norms `(tasks,)` of the gradients of the tasks' own losses, in `keras.ops`.

        They are the roots of the Gramian's diagonal, with respect to what all tasks share.
        """
        return {}

    def on_epoch_end(self, losses: np.ndarray, variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Learn from the mean losses `(tasks,)` over an epoch's labelled rows, `NaN` for a task without, in numpy."""
        return {}


def tensors(variables: Mapping[str, Any]) -> dict[str, Tensor]:
    """The variables' values, since on some backends a Keras variable is not taken for its value everywhere."""
    from keras import ops

    return {name: ops.convert_to_tensor(value) for name, value in variables.items()}


def weighted_sum(weights: Tensor, losses: Tensor, present: Tensor) -> Tensor:
    """The sum over present tasks of weight times loss."""
    from keras import ops

    return ops.sum(ops.where(present, weights * losses, ops.zeros_like(losses)))


def fractions(logits: Tensor, present: Tensor) -> Tensor:
    """The softmax over present tasks `(tasks,)`, 0 for the others; all 0 where none is present."""
    from keras import ops

    largest = ops.max(ops.where(present, logits, ops.full_like(logits, -1e30)))
    parts = ops.where(present, ops.exp(ops.minimum(logits - largest, 0.0)), ops.zeros_like(logits))
    return parts / ops.maximum(ops.sum(parts), 1.0)


def count(present: Tensor, dtype: str = "float32") -> Tensor:
    """The number of present tasks, at least 1."""
    from keras import ops

    return ops.maximum(ops.sum(ops.cast(present, dtype)), 1.0)
