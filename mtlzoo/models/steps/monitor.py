"""What the steps of an epoch were like: weights, and whether the tasks pulled in different directions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any
TINY = 1e-30


class TaskMonitor(keras.metrics.Metric):
    """Sums over steps, for tasks and pairs of tasks that were present.

    It is a metric so that it travels with the training step and is no part of the model's weights. Unlike one it is not
    reset by Keras, which would do so before the epoch's end, for validation: :meth:`clear` does.

    Args:
        tasks: The number of tasks.
    """

    def __init__(self, tasks: int, name: str = "task_monitor"):
        super().__init__(name=name)
        shapes = {"weights": (tasks,), "steps": (tasks,), "cosines": (tasks,) * 2, "conflicts": (tasks,) * 2}
        self._sums = {
            key: self.add_weight(shape=shape, initializer="zeros", name=key)
            for key, shape in {**shapes, "pairs": (tasks,) * 2}.items()
        }

    def add(self, weights: Tensor, gramian: Tensor, present: Tensor) -> None:
        """Count a step.

        Args:
            weights: `(tasks,)`, what the tasks' gradients were multiplied by.
            gramian: `(tasks, tasks)`, their inner products.
            present: Bool `(tasks,)`.
        """
        present = ops.cast(present, "float32")
        norms = ops.sqrt(ops.maximum(ops.diagonal(gramian), TINY))
        pairs = present[:, None] * present[None, :] * ops.cast(ops.isfinite(gramian), "float32")
        cosines = ops.where(pairs > 0, gramian / norms[:, None] / norms[None, :], ops.zeros_like(gramian))
        finite = ops.isfinite(weights)
        counted = present * ops.cast(finite, "float32")
        self._add("weights", ops.where(counted > 0, weights, ops.zeros_like(weights)))
        self._add("steps", counted)
        self._add("cosines", ops.clip(cosines, -1.0, 1.0))
        self._add("conflicts", ops.cast(cosines < 0, "float32"))
        self._add("pairs", pairs)

    def _add(self, name: str, values: Tensor) -> None:
        self._sums[name].assign_add(ops.cast(values, self.dtype))

    def clear(self) -> None:
        """Set all sums to 0."""
        for value in self._sums.values():
            value.assign(np.zeros(value.shape, "float32"))

    def reset_state(self) -> None:
        """Nothing: see above."""

    def result(self) -> Tensor:
        """The fraction of conflicting pairs, `NaN` where none was met; all the rest is in :meth:`summary`."""
        apart = 1 - ops.eye(self._sums["pairs"].shape[0])
        pairs = ops.sum(ops.convert_to_tensor(self._sums["pairs"]) * apart)
        return ops.sum(ops.convert_to_tensor(self._sums["conflicts"]) * apart) / pairs

    def summary(self) -> dict[str, np.ndarray]:
        """Means over the steps so far, `NaN` where a task or a pair was never present.

        Returns:
            `weights` `(tasks,)`, `cosines` and `conflicts` (the fraction of steps) `(tasks, tasks)`, float64.
        """
        sums = {name: np.asarray(ops.convert_to_numpy(value), "float64") for name, value in self._sums.items()}
        steps = np.where(sums["steps"] > 0, sums["steps"], np.nan)
        pairs = np.where(sums["pairs"] > 0, sums["pairs"], np.nan)
        return {
            "weights": sums["weights"] / steps,
            "cosines": sums["cosines"] / pairs,
            "conflicts": sums["conflicts"] / pairs,
            "pairs": sums["pairs"],
        }
