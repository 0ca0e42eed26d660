"""IMTL-G."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.gradients import GramianBalancing, State
from mtlzoo.balancing.gramian import equal_angles, norms_and_cosines

# How small the sum of the coefficients may become, compared with that of their sizes, before they are divided by it.
SMALLEST_SUM = 0.01


class IMTLG(GramianBalancing):
    """Impartial multi-task learning of gradients: the direction has the same projection on every task's gradient.

    `<d, g_i> / ||g_i||` is the same for all tasks `i`, for `d = sum_i w_i g_i` with `sum_i w_i = 1`. With the cosines
    `C` between the gradients, `w_i = v_i / sum_j v_j` for `v_i = (C^+ 1)_i / ||g_i||`. Weights may be negative. The
    lengths of the gradients make no difference to where `d` points, but to how long it is.

    Args:
        gradients: See :class:`GradientBalancing`. The paper takes `"representation"`; equal projections of the
            parameters' gradients need `"parameters"`.

    Source: Liu et al. 2021, "Towards Impartial Multi-task Learning", ICLR. The pseudo-inverse makes it defined where
    gradients are linearly dependent (Quinton and Rey 2024, arXiv:2406.16232, who take it of the Gramian, with the same
    result where equal projections exist at all). A zero gradient has weight 0, and so have all where that finds
    nothing, as with two opposite gradients.

    The sum of the `v_i` can be near zero or negative, where the paper's weights would explode or make every loss rise;
    it is held at a hundredth of the sum of their sizes at least, so that `d` has no negative projection where they are
    equal.

    Example:

    ```python
    model.compile("adam", balancing="imtl_g")
    ```
    """

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of equal projections."""
        norms, cosines = norms_and_cosines(gramian)
        weights = np.where(norms > 0, equal_angles(cosines) / np.where(norms > 0, norms, 1), 0)
        # In units of the largest, since the gradients' may be anything.
        weights = weights / (np.abs(weights).max() or 1)
        total = max(weights.sum(), SMALLEST_SUM * np.abs(weights).sum())
        return weights / (total or 1), {}
