"""DualProj."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import GramianBalancing, State
from mtlzoo.balancing.gramian import vectors
from mtlzoo.balancing.quadratic_programs import project


class DualProj(GramianBalancing):
    """Dual cone projection: the direction nearest to the mean gradient that conflicts with no task.

    `d` is the projection of the mean of the gradients `g_i` on the cone of all `x` with `<g_i, x> >= 0` for each task
    `i`: no loss rises. Where the mean conflicts with none, it is the mean.

    Args:
        gradients: See :class:`GradientBalancing`. That no loss rises needs `"parameters"`.

    Source: Lopez-Paz and Ranzato 2017, arXiv:1706.08840, equation 11, with the mean gradient in the place of the newest
    task's; named so by Quinton and Rey 2024, arXiv:2406.16232, whose library adds 1e-4 times the Gramian's trace to its
    diagonal; here the projection is exact.

    Example:

    ```python
    model.compile("adam", balancing="dualproj")
    ```
    """

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The projection's weights."""
        return project(vectors(gramian), np.full(len(gramian), 1 / len(gramian))), {}
