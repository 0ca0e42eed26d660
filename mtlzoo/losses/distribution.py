"""The loss of a distribution over numbers of which the expectation is the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mtlzoo import masking
from mtlzoo.losses.base import MaskedLoss, Tensor, logits_of, safe_log


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedLabelDistributionLoss(MaskedLoss):
    """How far a distribution over numbers, and its expectation, are from a label, over labelled rows.

    With `p` the predicted distribution over the bins `v` and `t` the label's, a row of label `y` costs
    `KL(t || p) + expectation_weight * |sum(p * v) - y| / scale`, which is 0 for `p = t`. The label's distribution is a
    Gaussian around it (label distribution learning; DLDL-v2, Gao et al., IJCAI 2018).

    A Gaussian that is cut at the lowest bin alone has its mean above the label, and a network that learns it puts every
    infant a year or two too high. Here the cut at one end is made at the same distance on the other side too, and a label
    between two bins shares its weight among the Gaussians around both: `sum(t * v) = y` for evenly spaced bins.

    Args:
        values: The bins, rising numbers, at least 2.
        spread: The standard deviation of the Gaussian, in the labels' unit. 0 puts the weight on the nearest two bins.
        expectation_weight: The factor of the expectation's error.
        scale: What that error is divided by, in the labels' unit, usually their standard deviation.

    Targets are numbers of shape `(batch, 1)` or `(batch,)`, missing where `NaN`; predictions are probabilities
    `(batch, bins)`. A number beyond the bins cannot raise inside a compiled step: its loss is `NaN`.

    Example:

    ```python
    loss = mtl.losses.MaskedLabelDistributionLoss([0, 1, 2], spread=0.0)
    loss([1.5, float("nan")], [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])  # 0.0: the second row has no label
    ```
    """

    def __init__(
        self,
        values: Sequence[float],
        spread: float = 2.0,
        expectation_weight: float = 1.0,
        scale: float = 1.0,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.values = [float(value) for value in values]
        self.spread = float(spread)
        self.expectation_weight = float(expectation_weight)
        self.scale = float(scale)
        self._around_bins = distributions_around(self.values, self.spread).astype("float32")

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The divergence of each row, in nats, and the weighted error of its expectation."""
        numbers, labelled = masking.number_targets(y_true)
        numbers, labelled = numbers[:, 0], labelled[:, 0]
        values = masking.floats(self.values)
        inside = ops.logical_and(numbers >= self.values[0], numbers <= self.values[-1])
        # No `NaN` where a label is missing: the gradient would be zero times that.
        numbers = ops.where(inside, numbers, ops.full_like(numbers, self.values[0]))
        targets = self.distributions(numbers)
        logits = logits_of(y_pred)
        logarithms = safe_log(y_pred) if logits is None else ops.log_softmax(logits, axis=-1)
        divergence = ops.sum(targets * (safe_log(targets) - logarithms), axis=-1)
        error = ops.abs(ops.sum(y_pred * values, axis=-1) - numbers) / self.scale
        costs = divergence + self.expectation_weight * error
        beyond = ops.logical_and(labelled, ops.logical_not(inside))
        return ops.where(beyond, ops.full_like(costs, float("nan")), costs), labelled

    def distributions(self, numbers: Tensor) -> Tensor:
        """The distributions `(batch, bins)` of labels `(batch,)` that lie within the bins."""
        values, around_bins = masking.floats(self.values), masking.floats(self._around_bins)
        lower = ops.sum(ops.cast(values[None, 1:-1] <= numbers[:, None], "int32"), axis=-1)
        share = ((numbers - ops.take(values, lower)) / ops.take(values[1:] - values[:-1], lower))[:, None]
        return (1 - share) * ops.take(around_bins, lower, axis=0) + share * ops.take(around_bins, lower + 1, axis=0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "values": self.values,
            "spread": self.spread,
            "expectation_weight": self.expectation_weight,
            "scale": self.scale,
        }


def distributions_around(values: Sequence[float], spread: float) -> np.ndarray:
    """For each bin the Gaussian around it, cut symmetrically to the bins: float64 `(bins, bins)`, rows sum to 1."""
    bins = np.asarray(values, "float64")
    if not spread:
        return np.eye(len(bins))
    distances = np.abs(bins[:, None] - bins[None, :])
    reach = np.minimum(bins - bins[0], bins[-1] - bins)[:, None]
    inside = distances <= reach + 1e-6 * np.diff(bins).min()  # bins such as 0.1, 0.2, 0.3 are not quite evenly spaced
    with np.errstate(over="ignore"):  # of a tiny spread
        density = np.where(inside, np.exp(-0.5 * np.square(distances / spread)), 0.0)
    density *= np.gradient(bins)  # a bin stands for all numbers near it, so that one among many close ones gets less
    return density / density.sum(axis=1, keepdims=True)
