"""FairGrad."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import Gradients, GramianBalancing, State
from mtlzoo.balancing.gramian import vectors

# Added to each gradient's squared norm, as a fraction of it: without, the weights of opposite gradients would be infinite.
RIDGE = 1e-8
MOST_ITERATIONS = 1000


def fair_weights(gramian: np.ndarray, alpha: float) -> np.ndarray:
    """The positive solution of `G w = w^(-1 / alpha)`, 0 where the gradient is zero.

    It is the minimum of the convex `w' G w / 2 - sum_i F(w_i)` with `F' = w^(-1 / alpha)`, found by Newton's method in
    steps relative to `w`, which makes the lengths of the gradients indifferent.

    Args:
        gramian: Float64 `(tasks, tasks)`.
        alpha: Above 0.

    Returns:
        Float64 `(tasks,)`.
    """
    rows = vectors(gramian)
    lengths = np.linalg.norm(rows, axis=1)
    weights = np.zeros(len(rows))
    (tasks,) = np.nonzero(lengths > 0)
    if not len(tasks):
        return weights
    rows = rows[tasks] / lengths.max()
    gramian = rows @ rows.T
    gramian += RIDGE * np.diag(np.diag(gramian))
    # What each task would get alone.
    found = np.diag(gramian) ** (-alpha / (alpha + 1))
    for _ in range(MOST_ITERATIONS):
        pull, push = found * (gramian @ found), found ** (1 - 1 / alpha)
        hessian = found[:, None] * gramian * found + np.diag(push / alpha)
        root = np.sqrt(np.diag(hessian))
        relative = np.linalg.solve(hessian / root[:, None] / root, (push - pull) / root) / root
        # Newton's step leaves the positive weights where it is too long.
        found = found * (1 + relative / max(1, -2 * relative.min(), np.abs(relative).max()))
        # Each step squares the error: the next would be lost in rounding.
        if np.abs(relative).max() < 1e-6:
            break
    weights[tasks] = found * lengths.max() ** (-2 * alpha / (alpha + 1))
    return weights


class FairGrad(GramianBalancing):
    """Fair resource allocation: the direction with the largest alpha-fair utility of all tasks' progress.

    `d = argmax sum_i u_i^(1 - alpha) / (1 - alpha)` with `u_i = <g_i, d>` in a ball around zero, which gives
    `d = sum_i w_i g_i` for the `w > 0` of `G w = w^(-1 / alpha)`, with `G` the Gramian of the gradients `g_i` and the
    power taken of each entry. So `<g_i, d> = w_i^(-1 / alpha) > 0`: every loss falls.

    Args:
        alpha: What is fair, at least 0: 0 is the mean of the gradients, 1 proportional fairness, where the direction is
            that of :class:`NashMTL` without its bound, 2 minimum potential delay; a large number helps the task worst
            off.
        gradients: See :class:`GradientBalancing`. That all losses fall needs `"parameters"`.

    Source: Ban and Ji 2024, arXiv:2402.15638. The equations are solved by Newton's method, not by bounded least
    squares. Where no direction is good for all tasks there is no solution; a fraction of 1e-8 on the Gramian's diagonal
    keeps the weights finite and the direction next to zero. A zero gradient has weight 0. With lengths that are many
    orders of magnitude apart and `alpha` far from 1, conflicts smaller than that share are not seen.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.FairGrad(alpha=2.0))
    ```
    """

    def __init__(self, alpha: float = 1.0, *, gradients: Gradients = "representation"):
        super().__init__(gradients=gradients)
        if not 0 <= alpha < float("inf"):
            raise ValueError(f"Expected `alpha` of at least 0, received: {alpha!r}.")
        self.alpha = float(alpha)

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The fair weights."""
        if self.alpha == 0:
            return np.full(len(gramian), 1 / len(gramian)), {}
        return fair_weights(gramian, self.alpha), {}
