"""The moving statistics of batch normalisation, computed anew for the weights that a model has now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from mtlzoo.models.batch_norm import normalization_layers

Tensor = Any


class FreshStatistics:
    """Computes mean and variance of batch normalisation anew: those of all given images together.

    Moving statistics are an average over steps with other weights; of averaged weights there are none at all (Wu and
    Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3).

    Args:
        model: The model; only layers that are trainable now are computed anew, since frozen ones have not moved.

    Example:

    ```python
    from mtlzoo.models.batch_statistics import FreshStatistics

    FreshStatistics(model).compute(images for images, labels in dataset)
    ```
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.layers = [layer for layer in normalization_layers(model) if layer.trainable]
        self._look: Callable[[Tensor], Any] | None = None

    @property
    def variables(self) -> list[keras.Variable]:
        """The statistics: each layer's mean and variance."""
        return [variable for layer in self.layers for variable in (layer.moving_mean, layer.moving_variance)]

    def compute(self, batches: Iterable[Tensor]) -> None:
        """Put the statistics of some batches of images in place of the moving ones.

        Args:
            batches: Images `(rows, height, width, channels)`, in batches as training has them.
        """
        if not self.layers:
            return
        others = [
            variable for variable in self.model.non_trainable_variables if not _is_one_of(variable, self.variables)
        ]
        before = [keras.ops.convert_to_numpy(variable) for variable in others]
        sums: list[np.ndarray] | None = None
        rows = 0
        for images in batches:
            self._forward(images)
            values = [keras.ops.convert_to_numpy(variable).astype("float64") for variable in self.variables]
            means, variances = values[::2], values[1::2]
            # Of all rows together: the mean of squares is that of all, the variance of batches leaves out their means.
            moments = [part for mean, variance in zip(means, variances) for part in (mean, variance + mean**2)]
            count = len(images)
            weighted = [count * moment for moment in moments]
            sums = weighted if sums is None else [total + part for total, part in zip(sums, weighted)]
            rows += count
        if sums is None:
            return
        for layer, mean, square in zip(self.layers, sums[::2], sums[1::2]):
            layer.moving_mean.assign(mean / rows)
            layer.moving_variance.assign(np.maximum(square / rows - (mean / rows) ** 2, 0.0))
        for variable, value in zip(others, before):
            variable.assign(value)

    def _forward(self, images: Tensor) -> None:
        """One pass, after which the moving statistics are those of this batch."""
        if self._look is None:
            self._look = _compiled(lambda batch: self.model(batch, training=True))
        # A momentum is part of the graph, which is made at the first call.
        momenta = [layer.momentum for layer in self.layers]
        try:
            for layer in self.layers:
                layer.momentum = 0.0
            self._look(images)
        finally:
            for layer, momentum in zip(self.layers, momenta):
                layer.momentum = momentum


def _compiled(function: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    """The function as a graph, where the backend has such."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    graph: Callable[[Tensor], Any] = tf.function(function, reduce_retracing=True)
    return graph


def _is_one_of(variable: keras.Variable, others: Iterable[keras.Variable]) -> bool:
    return any(variable is other for other in others)
