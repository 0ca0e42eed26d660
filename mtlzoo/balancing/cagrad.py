"""CAGrad."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import Gradients, GramianBalancing, State
from mtlzoo.balancing.gramian import vectors
from mtlzoo.balancing.quadratic_programs import nearest_point

# How near to a point where no direction is good for all tasks the weights stop growing.
SMALLEST_SHIFT = 1e-4


class CAGrad(GramianBalancing):
    """Conflict-averse gradient: near the mean gradient, the direction that is best for the task worst off.

    `d = argmax min_i <g_i, d>` with `||d - g_0|| <= c ||g_0||`, where `g_0` is the mean of the tasks' gradients `g_i`.
    Its dual gives `d = g_0 + c ||g_0|| / ||g_w|| g_w` with `g_w = sum_i w_i g_i` for the `w` of
    `min <g_w, g_0> + c ||g_0|| ||g_w||` with `w >= 0` and `sum_i w_i = 1`. So `d` is worse for no task than `g_0` is
    for the task worst off, and `<g_0, d> > 0`; it may conflict with a task where `c < 1`.

    Args:
        c: The radius around the mean gradient, at least 0. With 0 it is the mean; below 1 it converges to a minimum of
            the mean loss; the larger, the nearer to :class:`MGDA`.
        gradients: See :class:`GradientBalancing`. That the mean loss converges needs `"parameters"`.

    Source: Liu et al. 2021, arXiv:2110.14048.

    The dual is solved by one unknown: at the `k` where `||g_w|| = k c ||g_0||`, `w` is the nearest point to zero of the
    hull of `g_i + k g_0`. There is no rescaling by `1 / (1 + c^2)`, which the authors' code offers and some libraries
    do.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.CAGrad(c=0.4))
    ```
    """

    def __init__(self, c: float = 0.4, *, gradients: Gradients = "representation"):
        super().__init__(gradients=gradients)
        if not 0 <= c < float("inf"):
            raise ValueError(f"Expected `c` of at least 0, received: {c!r}.")
        self.c = float(c)

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The mean's weights and what the task worst off wants."""
        from scipy.optimize import brentq

        rows = vectors(gramian)
        rows = rows / (np.linalg.norm(rows, axis=1).max() or 1)
        mean = rows.mean(axis=0)
        radius = self.c * np.linalg.norm(mean)
        uniform = np.full(len(rows), 1 / len(rows))
        if radius <= np.finfo("float64").eps:
            return uniform, {}

        def excess(log_shift: float) -> float:
            shift = np.exp(log_shift)
            return np.linalg.norm(nearest_point(rows + shift * mean) @ rows) - shift * radius

        low, high = np.log(SMALLEST_SHIFT), np.log(2 / radius)
        shift = np.exp(brentq(excess, low, high, xtol=1e-12) if low < high and excess(low) > 0 else low)
        return uniform + nearest_point(rows + shift * mean) / shift, {}
