"""MGDA."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import GramianBalancing, State
from mtlzoo.balancing.gramian import vectors
from mtlzoo.balancing.quadratic_programs import nearest_point


class MGDA(GramianBalancing):
    """Multiple-gradient descent: the shortest convex combination of the gradients.

    `w = argmin ||sum_i w_i g_i||` with `w >= 0` and `sum_i w_i = 1`, where `g_i` is task `i`'s gradient. The direction
    `d` has `<g_i, d> >= ||d||^2` for each task, with equality where `w_i > 0`: every loss falls, unless `d = 0`, which
    is so exactly where no direction lowers all of them. The shortest gradients rule: one that is zero stops the
    training of what is shared.

    Args:
        gradients: See :class:`GradientBalancing`. That all losses fall needs `"parameters"`; with `"representation"`
            (MGDA-UB in the second paper) `d = 0` still means that nothing can be gained, if the Jacobian of the
            backbone has full rank.

    Source: Désidéri 2012, Comptes Rendus Mathématique 350; Sener and Koltun 2018, arXiv:1810.04650.

    The quadratic program is solved exactly, while the second paper and most libraries stop Frank-Wolfe's iteration
    early, which differs in the fourth digit. The gradients are not scaled first, as some of the paper's experiments do.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.MGDA())
    ```
    """

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of the point nearest to zero."""
        return nearest_point(vectors(gramian)), {}
