"""GradVac."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import Gradients, GramianBalancing, State

# A target of exactly 1 could be met by an infinite step only.
LARGEST_TARGET = 0.999


class GradVac(GramianBalancing):
    """Gradient vaccine: each gradient is turned towards the others as far as they have agreed so far.

    Starting from `p_i = g_i`, task `i` meets every other task `j` once, in random order. With the cosine `c` of `p_i`
    and `g_j`, and the target `t_ij`, if `c < t_ij`, then `p_i` gets the cosine `t_ij`:

    `p_i <- p_i + ||p_i|| (t_ij sqrt(1 - c^2) - c sqrt(1 - t_ij^2)) / (||g_j|| sqrt(1 - t_ij^2)) g_j`.

    In any case `t_ij <- (1 - beta) t_ij + beta c`; targets start at 0, where this is :class:`PCGrad`. The direction is
    `sum_i p_i`.

    Args:
        beta: How fast the targets follow, in `[0, 1]`.
        gradients: See :class:`GradientBalancing`. The paper compares parameters, layer by layer or all at once (as
            here); nothing is promised of conflicts.

    Source: Wang et al. 2021, arXiv:2010.05874. Targets are held below 0.999, beyond which the step would know no bound.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.GradVac(beta=0.05))
    ```
    """

    def __init__(self, beta: float = 0.01, *, gradients: Gradients = "representation"):
        super().__init__(gradients=gradients)
        if not 0 <= beta <= 1:
            raise ValueError(f"Expected `beta` in [0, 1], received: {beta!r}.")
        self.beta = float(beta)

    def initial_state(self, tasks: int) -> State:
        """The targets."""
        return {"targets": np.zeros((tasks, tasks), "float32")}

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The sum of the turned gradients' weights."""
        targets = state["targets"].copy()
        tasks = np.arange(len(gramian))
        order = rng.permuted(np.tile(tasks, (len(tasks), 1)), axis=1)
        norms = np.sqrt(np.maximum(np.diag(gramian), 0))
        turned = np.eye(len(tasks))
        # Every task turns by itself, so all meet their first at once, then their second, ...
        for others in order.T:
            products = turned @ gramian
            lengths = np.sqrt(np.maximum((products * turned).sum(axis=1), 0))
            met = (others != tasks) & (lengths > 0) & (norms[others] > 0)
            ratios = np.divide(lengths, norms[others], where=met, out=np.zeros(len(tasks)))
            scale = np.where(met, lengths * norms[others], 1)
            cosines = np.clip(products[tasks, others] / scale, -1, 1)
            wanted = np.minimum(targets[tasks, others], LARGEST_TARGET)
            steps = ratios * (wanted * np.sqrt((1 - cosines**2) / (1 - wanted**2)) - cosines)
            turned[tasks, others] += np.where(met & (cosines < wanted), steps, 0)
            moved = (1 - self.beta) * targets[tasks, others] + self.beta * cosines
            targets[tasks, others] = np.where(met, moved, targets[tasks, others])
        return turned.sum(axis=0), {"targets": targets}
