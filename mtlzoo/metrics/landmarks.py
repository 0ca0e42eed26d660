"""How far landmarks are off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.metrics.base import MaskedMetric, Tensor


class _NormalizedErrors(MaskedMetric):
    """A metric of each row's normalized error."""

    mode = "min"

    def __init__(self, points: int, between: Sequence[int] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.points = points
        self.between = None if between is None else [int(point) for point in between]

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The normalized mean error of each row."""
        targets, known = masking.number_targets(y_true, 2 * self.points)
        shape = (-1, self.points, 2)
        targets, known = ops.reshape(targets, shape), ops.all(ops.reshape(known, shape), axis=-1)
        distances = ops.sqrt(ops.sum(ops.square(ops.reshape(y_pred, shape) - targets), axis=-1))
        errors, labelled = masking.row_mean(distances, known)
        if self.between is None:
            return errors, labelled
        one, other = self.between
        apart = ops.sqrt(ops.sum(ops.square(targets[:, one] - targets[:, other]), axis=-1))
        labelled = ops.logical_and(ops.logical_and(known[:, one], known[:, other]), apart > 0)
        return errors / ops.where(labelled, apart, ops.ones_like(apart)), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "points": self.points, "between": self.between}


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedNormalizedMeanError(_NormalizedErrors):
    """The mean distance of a row's points from where they belong, divided by that between two of them; over labelled rows.

    For faces the two are the eyes. A row counts where some point and both of the two are labelled and apart.

    Args:
        points: The number of points. Targets and predictions have shape `(batch, points, 2)` or `(batch, 2 * points)`,
            x before y; a point with a `NaN` is missing.
        between: The ids of the two points; `None` divides by 1, so that relative coordinates give shares of the side.

    Example:

    ```python
    metric = mtl.metrics.MaskedNormalizedMeanError(points=2, between=[0, 1])
    metric.update_state([[0.2, 0.5, 0.6, 0.5]], [[0.2, 0.5, 0.6, 0.7]])
    metric.result()  # 0.25: the mean of 0 and 0.2, over 0.4
    ```
    """

    def __init__(self, points: int, between: Sequence[int] | None = None, name: str = "nme", **kwargs: Any):
        super().__init__(points, between, name=name, **kwargs)


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedFailureRate(_NormalizedErrors):
    """The fraction of labelled rows whose normalized mean error is above a threshold.

    Args:
        points: As in :class:`MaskedNormalizedMeanError`.
        between: Likewise.
        threshold: The largest error that is no failure; 0.1 in the literature on faces.

    Example:

    ```python
    metric = mtl.metrics.MaskedFailureRate(points=1)
    metric.update_state([[0.5, 0.5], [0.5, 0.5], [np.nan, 0.5]], [[0.5, 0.5], [0.5, 0.8], [0.5, 0.5]])
    metric.result()  # 0.5: an error of 0.3 is above 0.1
    ```
    """

    def __init__(
        self,
        points: int,
        between: Sequence[int] | None = None,
        threshold: float = 0.1,
        name: str = "failure_rate",
        **kwargs: Any,
    ):
        super().__init__(points, between, name=name, **kwargs)
        self.threshold = threshold

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """1 for a failure, 0 otherwise."""
        errors, labelled = super().rows(y_true, y_pred)
        return ops.cast(errors > self.threshold, self.dtype), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "threshold": self.threshold}
