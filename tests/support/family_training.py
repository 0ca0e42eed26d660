"""A family of backbones, trained for two short epochs on bright and dark images, from statistics of other weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from eager import eager_steps
from quick_groups import convolve_quickly
from quick_weights import draw_from_pool

import mtlzoo as mtl
from mtlzoo.backbones.registry import BACKBONES
from mtlzoo.keras_compat import flatten_layers
from mtlzoo.models.batch_norm import normalization_layers
from mtlzoo.training.statistics_lag import compare_modes

SMALLER = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}}


def bright_and_dark(size: tuple[int, int], count: int = 160, batch_size: int = 16) -> tf.data.Dataset:
    """Images of a size with labels, in batches."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    images = np.clip(rng.normal(90 + 60 * labels[:, None, None, None], 40, (count, *size, 3)), 0, 255)
    return tf.data.Dataset.from_tensor_slices((images.astype("uint8"), {"bright": labels})).batch(batch_size)


class MomentumLog(keras.callbacks.Callback):
    """Notes the momentum that batch normalisation is trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note that of each layer."""
        self.seen += [layer.momentum for layer in normalization_layers(self.model)]


def losses_after_two_epochs(name: str) -> tuple[float, float, list[float]]:
    """The loss in inference mode, that in training mode, and what momentum there was in between.

    Each epoch is a step on the same batch, which is compared too, so that what is left of the first statistics is all that
    can tell the modes apart, and not which rows a batch has. Steps are not compiled: tracing takes longer than two steps,
    and TensorFlow never gives the memory of a compiled one back.
    """
    size, momentum = BACKBONES[name].minimum_size, MomentumLog()
    with pytest.MonkeyPatch.context() as patch:
        draw_from_pool(patch, np.random.default_rng(0))
        model = mtl.build(name, {"bright": mtl.BinaryHead()}, (*size, 3), None, dropout=0.0, **SMALLER.get(name, {}))
    for layer in normalization_layers(model):
        layer.moving_mean.assign(layer.moving_mean - 3.0)
    for layer in flatten_layers(model):
        if isinstance(layer, keras.layers.Dropout):  # EfficientNet's own, which tells the modes apart as well
            layer.rate = 0.0
    batch = bright_and_dark(size, 16)
    stage = mtl.Stage(2, 3e-3, optimizer=keras.optimizers.SGD(clipnorm=1.0))
    with eager_steps(), pytest.MonkeyPatch.context() as patch:
        convolve_quickly(patch)
        mtl.fit(model, batch, stages=[stage], augment=None, callbacks=[momentum], verbose=False)
    return *compare_modes(model, batch), momentum.seen
