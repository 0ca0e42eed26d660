"""ConFIG."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import GramianBalancing, State
from mtlzoo.balancing.gramian import equal_angles, norms_and_cosines


class ConFIG(GramianBalancing):
    """Conflict-free inverse gradients: at the same angle to every task's gradient, as long as they agree.

    With the unit gradients `u_i = g_i / ||g_i||` as rows of `U`, the direction points to `x = U^+ 1`, whose inner
    product with each of them is the same; its length is `sum_i <g_i, x> / ||x||`, the longer the better the gradients
    agree. Where the gradients are independent no loss rises; where they are not, `x` is the nearest in least squares
    and may conflict.

    Args:
        gradients: See :class:`GradientBalancing`. That no loss rises needs `"parameters"`.

    Source: Liu, Chu and Thuerey 2024, arXiv:2408.11104, equation 2. The pseudo-inverse is taken through the cosines
    between the gradients, `U^+ = U' (U U')^+`. A zero gradient has weight 0.

    Example:

    ```python
    model.compile("adam", balancing="config")
    ```
    """

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of the unit gradients, by their length."""
        norms, cosines = norms_and_cosines(gramian)
        units = equal_angles(cosines)
        products = cosines @ units
        square = units @ products
        if not square > 0:
            return np.zeros(len(norms)), {}
        return units * (norms @ products / square) / np.where(norms > 0, norms, np.inf), {}
