"""UPGrad."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import GramianBalancing, State
from mtlzoo.balancing.gramian import vectors
from mtlzoo.balancing.quadratic_programs import project


class UPGrad(GramianBalancing):
    """Unconflicting projection of gradients: each is brought to where it conflicts with none, then the mean is taken.

    `d` is the mean of the projections of the gradients `g_i` on the cone of all `x` with `<g_j, x> >= 0` for each task
    `j`. So `<g_j, d> >= 0`: no loss rises. A longer gradient has more influence.

    Args:
        gradients: See :class:`GradientBalancing`. That no loss rises needs `"parameters"`.

    Source: Quinton and Rey 2024, arXiv:2406.16232. The authors' library, TorchJD, adds 1e-4 times the Gramian's trace
    to its diagonal; here the projections are exact, so that conflicts are excluded to the last digit but rounding.

    Example:

    ```python
    model.compile("adam", balancing="upgrad")
    ```
    """

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The mean of the projections' weights."""
        rows = vectors(gramian)
        return np.mean([project(rows, alone) for alone in np.eye(len(rows))], axis=0), {}
