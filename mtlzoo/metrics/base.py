"""The masked metric that all others are built on, and the mean of sums it keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking

Tensor = Any


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class RatioOfSums(keras.metrics.Metric):
    """The quotient of two sums over an epoch.

    A mean over the epoch's labelled rows equals the mean over the whole set in one go, whatever the batches; a mean of
    batch means does not.

    Args:
        name: The name in the logs.
        otherwise: What the result is while nothing has been counted: `None` gives `NaN`, since the accuracy over no rows
            is unknown; a loss says 0.

    Example:

    ```python
    metric = mtl.metrics.MaskedMeanAbsoluteError()  # one of its subclasses
    metric.update_state([1.0], [[2.0]])
    metric.update_state([1.0, 1.0, 1.0], [[1.0], [1.0], [1.0]])
    metric.result()  # 0.25, of four rows, rather than 0.5, of two batches
    ```
    """

    def __init__(self, name: str | None = None, otherwise: float | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.otherwise = otherwise
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def add(self, total: Tensor, count: Tensor) -> None:
        """Add a batch's two sums, float scalars."""
        self.total.assign_add(ops.cast(total, self.dtype))
        self.count.assign_add(ops.cast(count, self.dtype))

    def result(self) -> Tensor:
        """The quotient, a float scalar."""
        return _quotients([self])[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "otherwise": self.otherwise}


class MaskedMetric(RatioOfSums):
    """A metric that is the mean of a value of each labelled row.

    Subclasses say, in :meth:`rows`, each row's value and which rows are labelled. Sample weights weigh the rows. The
    result is `NaN` while no labelled row has been seen.

    Args:
        name: The name in the logs.
        otherwise: What the result is while no labelled row has been seen; `NaN` by default.

    Example:

    ```python
    class MaskedBias(mtl.metrics.MaskedMetric):
        # By how much numbers are predicted too high.

        def rows(self, y_true, y_pred):
            targets, labelled = mtl.masking.number_targets(y_true, 1)
            return mtl.masking.row_mean(y_pred - targets, labelled)

    metric = MaskedBias(name="bias")
    metric.update_state([20.0, np.nan], [[25.0], [99.0]])
    metric.result()  # 5.0
    ```
    """

    mode = "max"  # as callbacks say it: higher is better

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The value of each row as float `(batch,)` and the labelled rows as bool `(batch,)`."""
        raise NotImplementedError

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Count a batch."""
        values, labelled = self.rows(y_true, masking.floats(y_pred))
        self.add(*masking.masked_sums(values, labelled, sample_weight))


def reaches(y_pred: Tensor, threshold: float | Sequence[float]) -> Tensor:
    """Which predictions are positive, bool.

    Args:
        y_pred: Probabilities `(batch, tags)`.
        threshold: The probability from which on they are, or one for each tag.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.greater_equal(y_pred, ops.convert_to_tensor(threshold, dtype=y_pred.dtype))


def results(metrics: Sequence[keras.metrics.Metric]) -> list[Tensor]:
    """The result of each metric, scalars.

    All quotients of two sums are taken at once: one by one, those of eight heads were a tenth of a step on cached features.
    """
    at_once = [
        type(metric).result is RatioOfSums.result and metric.dtype == keras.config.floatx() for metric in metrics
    ]
    quotients = iter(_quotients([metric for metric, together in zip(metrics, at_once) if together]))
    return [next(quotients) if together else metric.result() for metric, together in zip(metrics, at_once)]


def _quotients(metrics: Sequence[RatioOfSums]) -> list[Tensor]:
    if not metrics:
        return []
    total = ops.stack([metric.total.value for metric in metrics])
    count = ops.stack([metric.count.value for metric in metrics])
    otherwise = [math.nan if metric.otherwise is None else metric.otherwise for metric in metrics]
    return ops.unstack(masking.quotient(total, count, otherwise))
