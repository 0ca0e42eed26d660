"""PCGrad."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mtlzoo.balancing.gradients import Gradients, GramianBalancing, State


class PCGrad(GramianBalancing):
    """Gradient surgery: from each gradient, what conflicts with another is taken away.

    Starting from `p_i = g_i`, task `i` meets every other task `j` once; if `<p_i, g_j> < 0`, then
    `p_i <- p_i - <p_i, g_j> / ||g_j||^2 g_j`. The direction is `sum_i p_i`. With two tasks it conflicts with neither;
    with more it may, since a later meeting can undo an earlier one.

    Args:
        order: In which order a task meets the others: `"random"`, drawn anew at each step as in the paper, or
            `"fixed"`, that of the heads.
        gradients: See :class:`GradientBalancing`. What is said of conflicts needs `"parameters"`.

    Source: Yu et al. 2020, arXiv:2001.06782. As in its algorithm and code the projected gradients are summed; some
    libraries take their mean.

    Example:

    ```python
    model.compile("adam", balancing="pcgrad")
    ```
    """

    def __init__(self, order: Literal["random", "fixed"] = "random", *, gradients: Gradients = "representation"):
        super().__init__(gradients=gradients)
        if order not in ("random", "fixed"):
            raise ValueError(f'Expected `order` to be "random" or "fixed", received: {order!r}.')
        self.order = order

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The sum of the projected gradients' weights."""
        tasks = np.arange(len(gramian))
        order = np.tile(tasks, (len(tasks), 1))
        if self.order == "random":
            order = rng.permuted(order, axis=1)
        squares = np.diag(gramian)
        projected = np.eye(len(tasks))
        # Every task has its own projection, so all meet their first at once, then their second, ...
        for others in order.T:
            products = (projected * gramian[others]).sum(axis=1)
            conflict = (others != tasks) & (products < 0) & (squares[others] > 0)
            steps = np.divide(products, squares[others], where=conflict, out=np.zeros(len(tasks)))
            projected[tasks, others] -= steps
        return projected.sum(axis=0), {}
