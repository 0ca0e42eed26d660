"""What every loss weighting is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mtlzoo.balancing.base import Balancing, Differentiate, TaskGradients, Variable

Tensor = Any


class LossWeighting(Balancing):
    """A way to make one total of the tasks' losses, before the one backward pass.

    A method is described by its constructor's arguments and keeps nothing else: what it learns stands in variables that
    training makes from :meth:`variables` and hands to :meth:`combine`, and to the hooks that return new values for
    them. Subclasses implement :meth:`total`, in `keras.ops`, and what else they need.

    A task without labelled rows in the batch takes no part: the total is what the others would give without it. One
    task in all has no need of balance: its total is its loss, to the bit, and it has no variables.

    Attributes:
        uses_gradient_norms: Whether :meth:`on_gradients` is to be called at each step, with the norms of the tasks'
            gradients.

    Example:

    ```python
    class Mean(mtl.balancing.LossWeighting):
        # The mean of the losses of those tasks that have labels in the batch.

        def total(self, losses, present, variables):
            return ops.sum(losses) / ops.sum(ops.cast(present, losses.dtype))

    model.compile(balancing=Mean())
    ```
    """

    uses_gradient_norms: bool = False

    @property
    def needs_task_gradients(self) -> bool:
        """For their norms."""
        return self.uses_gradient_norms

    def variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        """What the method needs.

        Args:
            tasks: For each task's name, in the order of the losses, whether its predictions are numbers rather than
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

    # === Parts of a step ===

    def differentiate_total(
        self,
        losses: Tensor,
        present: Tensor,
        variables: Callable[[], Mapping[str, Tensor]],
        trained: Sequence[str],
        differentiate: Differentiate,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The derivatives of what :meth:`combine` gives."""
        values = variables()

        def total(losses: Tensor, *learned: Tensor) -> Tensor:
            return self.combine(losses, present, {**values, **dict(zip(trained, learned))})

        first, *others = differentiate(total, [losses, *(values[name] for name in trained)])
        return first, dict(zip(trained, others))

    def weigh_tasks(self, step: TaskGradients) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The derivatives of the total; the norms of the gradients are learned from, if the method uses them."""
        from keras import ops

        if not self.uses_gradient_norms:
            return step.coefficients, {}
        norms = ops.sqrt(ops.maximum(ops.diagonal(step.gramian), 0.0))
        return step.coefficients, self.on_gradients(norms, step.losses, step.present, step.variables())

    # === Hooks: each returns new values of some variables ===

    def on_gradients(
        self, norms: Tensor, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Learn from the norms `(tasks,)` of the gradients of the tasks' own losses, in `keras.ops`.

        They are the roots of the Gramian's diagonal, with respect to what all tasks share.
        """
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
