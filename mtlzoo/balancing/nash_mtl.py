"""Nash-MTL."""

from __future__ import annotations

import numpy as np

from mtlzoo.balancing.fairgrad import fair_weights
from mtlzoo.balancing.gradients import Gradients, GramianBalancing, State


class NashMTL(GramianBalancing):
    """Multi-task learning as a bargaining game: the direction that maximises the product of all tasks' progress.

    `d = argmax sum_i log <g_i, d>` in a ball around zero, which gives `d = sum_i w_i g_i` for the `w > 0` of
    `G w = 1 / w`, with `G` the Gramian of the gradients `g_i`. So `<g_i, d> = 1 / w_i > 0`: every loss falls. Scaling a
    loss changes nothing, and `||d|| = sqrt(tasks)` before the bound, so that it is the learning rate that decides on
    the step.

    Args:
        max_norm: The largest norm of the direction, above 0; a longer one is shortened. `None` for no bound.
        update_every: The weights are found anew at every so many steps, at least 1, and kept in between, when losses
            may rise.
        gradients: See :class:`GradientBalancing`. That all losses fall needs `"parameters"`.

    Source: Navon et al. 2022, arXiv:2202.01017. The convex problem whose solution this is is solved by Newton's method,
    while the paper's sequence of concave approximations stops after a few. Where no direction is good for all tasks
    there is no solution: see :class:`FairGrad`. A zero gradient has weight 0.

    Example:

    ```python
    model.compile("adam", balancing=mtl.balancing.NashMTL(update_every=10))
    ```
    """

    def __init__(
        self,
        max_norm: float | None = 1.0,
        update_every: int = 1,
        *,
        gradients: Gradients = "representation",
    ):
        super().__init__(gradients=gradients)
        if max_norm is not None and not 0 < max_norm < float("inf"):
            raise ValueError(f"Expected `max_norm` above 0, or None for no bound, received: {max_norm!r}.")
        if update_every != int(update_every) or update_every < 1:
            raise ValueError(f"Expected `update_every` to be a positive integer, received: {update_every!r}.")
        self.max_norm = None if max_norm is None else float(max_norm)
        self.update_every = int(update_every)

    def initial_state(self, tasks: int) -> State:
        """The weights last found, 0 where there are none yet, and the steps since."""
        return {"weights": np.zeros(tasks, "float32"), "steps": np.zeros((), "float32")}

    def step(
        self, gramian: np.ndarray, losses: np.ndarray, state: State, rng: np.random.Generator
    ) -> tuple[np.ndarray, State]:
        """The weights of the bargain, new or kept, within the bound."""
        weights, steps = state["weights"], state["steps"]
        if steps == 0 or not weights.all():
            weights, steps = fair_weights(gramian, 1.0), np.zeros(())
        state = {"weights": weights, "steps": np.asarray((steps + 1) % self.update_every)}
        norm = np.sqrt(max(weights @ gramian @ weights, 0))
        if self.max_norm is not None and norm > self.max_norm:
            weights = weights * (self.max_norm / norm)
        return weights, state
