"""Dynamic weight average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.balancing.base import Variable
from mtlzoo.balancing.weighting.base import LossWeighting, count, fractions, weighted_sum

Tensor = Any

# A rate beyond this is a loss that was next to nothing.
LARGEST_RATE = 1e6


class DynamicWeightAverage(LossWeighting):
    """More weight for the tasks whose losses fell least from one epoch to the next.

    `L = sum_i w_i L_i` with `w = K softmax(r / T)`, over the `K` tasks present in the batch, where `r_i` is task `i`'s
    mean loss in the last epoch divided by that in the one before, 1 in the first two epochs, and `T` the temperature.

    Args:
        temperature: Above 0; the higher, the more equal the weights.

    Source: Liu, Johns and Davison 2019, arXiv:1803.10704, with `T = 2`. Epochs in which a task has no labels are passed
    over for it.

    Example:

    ```python
    model.compile("adam", balancing="dwa")
    ```
    """

    def __init__(self, temperature: float = 2.0):
        if not 0 < temperature < float("inf"):
            raise ValueError(f"Expected a `temperature` above 0, received: {temperature!r}.")
        self.temperature = float(temperature)

    def _variables(self, tasks: Mapping[str, bool]) -> dict[str, Variable]:
        return {
            "last_losses": Variable(np.full(len(tasks), np.nan, "float32"), "state"),
            "rates": Variable(np.ones(len(tasks), "float32"), "state"),
        }

    def total(self, losses: Tensor, present: Tensor, variables: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        weights = count(present) * fractions(variables["rates"] / self.temperature, present)
        return weighted_sum(weights, losses, present)

    def on_epoch_end(self, losses: np.ndarray, variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """How far each loss has fallen."""
        if not variables:
            return {}
        losses, last = np.asarray(losses, "float64"), np.asarray(variables["last_losses"], "float64")
        labelled = np.isfinite(losses)
        known = labelled & (last > 0)
        rates = np.where(known, losses / np.where(known, last, 1), np.where(labelled, 1, variables["rates"]))
        return {
            "last_losses": np.where(labelled, losses, last).astype("float32"),
            "rates": np.minimum(rates, LARGEST_RATE).astype("float32"),
        }
