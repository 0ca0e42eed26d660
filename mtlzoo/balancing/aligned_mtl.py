"""Aligned-MTL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from mtlzoo.balancing.gradients import Gradients, GramianBalancing, State
from mtlzoo.balancing.gramian import norms_and_cosines, rank


class AlignedMTL(GramianBalancing):
    """Independent component alignment: the gradients become orthogonal and of equal length, and their mean is taken.

    With the Gramian `G = V diag(l) V'` of the gradients, restricted to its eigenvalues `l > 0`, the weights are
    `w = sqrt(s) V diag(l^(-1/2)) V' 1 / tasks`: the gradients' matrix gets the nearest one with a condition number of
    1, times `sqrt(s)`.

    Args:
        scale: What `s` is: `"min"`, the smallest eigenvalue, as in the paper; `"median"`; or `"rmse"`, their mean.
        gradients: See :class:`GradientBalancing`. That the mean loss falls, which the paper shows for independent
            gradients, needs `"parameters"`; with `"representation"` it is the paper's Aligned-MTL-UB.

    Source: Senushkin et al. 2023, arXiv:2305.19000. An eigenvalue counts as zero where the gradients are dependent up
    to the rounding of single precision, since `"min"` would take rounding for the scale.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.AlignedMTL(scale="median"))
    ```
    """

    def __init__(self, scale: Literal["min", "median", "rmse"] = "min", *, gradients: Gradients = "representation"):
        super().__init__(gradients=gradients)
        if scale not in ("min", "median", "rmse"):
            raise ValueError(f'Expected `scale` to be "min", "median" or "rmse", received: {scale!r}.')
        self.scale = scale

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of the aligned gradients' mean."""
        tasks = len(gramian)
        mean = np.full(tasks, 1 / tasks)
        values, axes = np.linalg.eigh(gramian)
        if not values[-1] > 0:
            return mean, {}
        values, axes = values[::-1] / values[-1], axes[:, ::-1]
        distinct = (values > tasks * np.finfo("float64").eps) & (np.arange(tasks) < rank(norms_and_cosines(gramian)[1]))
        values, axes = values[distinct], axes[:, distinct]
        scales: dict[str, Callable[[np.ndarray], Any]] = {"min": np.min, "median": np.median, "rmse": np.mean}
        scale = scales[self.scale](values)
        return axes @ (np.sqrt(scale / values) * (mean @ axes)), {}
