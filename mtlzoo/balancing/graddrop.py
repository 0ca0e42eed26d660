"""GradDrop."""

from __future__ import annotations

from typing import Any

from mtlzoo.balancing.gradients import EntrywiseBalancing, Gradients

Tensor = Any


class GradDrop(EntrywiseBalancing):
    """Gradient sign dropout: where the tasks disagree on a sign, one is drawn and the others' part is dropped.

    For each entry, with the tasks' gradients `g_i` there, the fraction of the positive is
    `P = (1 + sum_i g_i / sum_i |g_i|) / 2`. With a number `U` drawn from `[0, 1)`, the positive ones are summed if
    `P > U`, else the negative ones. Of the dropped ones the fraction `leak` is let through.

    Args:
        leak: The fraction of dropped gradients that counts all the same, in `[0, 1]`; 1 is the plain sum.
        gradients: See :class:`GradientBalancing`. Each entry is by itself, so that nothing is promised of conflicts in
            either case.

    Source: Chen et al. 2020, arXiv:2010.06808, algorithm 1, lines 10 to 15. The paper decides for a feature of the
    representation, over the whole batch, by the sign that a gradient would give the feature's size; here each entry of
    the gradients given is decided by itself, and one leak serves all tasks.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.GradDrop(leak=0.2))
    ```
    """

    def __init__(self, leak: float = 0.0, *, gradients: Gradients = "representation"):
        super().__init__(gradients=gradients)
        if not 0 <= leak <= 1:
            raise ValueError(f"Expected `leak` in [0, 1], received: {leak!r}.")
        self.leak = float(leak)

    def combine(self, gradients: Tensor, present: Tensor, uniform: Tensor) -> Tensor:
        """The entries of the sign that is drawn, and the fraction `leak` of the others."""
        from keras import ops

        zeros = ops.zeros_like(gradients)
        gradients = ops.where(ops.cast(present, "bool")[:, None], gradients, zeros)
        # Sizes relative to the largest, since a sum of huge ones has no number in half precision.
        largest = ops.max(ops.abs(gradients), axis=0)
        relative = gradients / ops.where(largest > 0, largest, ops.ones_like(largest))
        total, size = ops.sum(relative, axis=0), ops.sum(ops.abs(relative), axis=0)
        share = (1 + total / ops.where(size > 0, size, ops.ones_like(size))) / 2
        kept = ops.where(share > uniform, gradients > 0, gradients < 0)
        return ops.sum(ops.where(kept, gradients, self.leak * gradients), axis=0)
