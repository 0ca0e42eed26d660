from __future__ import annotations

import keras
import numpy as np
import pytest
from quick_weights import draw_from_pool


@pytest.fixture(autouse=True)
def _quick_first_weights(monkeypatch):
    draw_from_pool(monkeypatch, np.random.default_rng(0))


@pytest.fixture
def rng():
    keras.utils.set_random_seed(0)
    return np.random.default_rng(0)


@pytest.fixture
def images(rng):
    """Makes images 0 to 255 `(count, height, width, channels)` that differ in colour and in texture."""

    def make(count: int, height: int, width: int, channels: int = 3) -> np.ndarray:
        colours = rng.uniform(0, 255, (count, 1, 1, channels))
        return np.clip(colours + rng.normal(0, 60, (count, height, width, channels)), 0, 255).astype("float32")

    return make


@pytest.fixture
def settle(rng):
    """Gives a model noisy weights and the batch statistics of some images, so that its outputs depend on its inputs."""

    def run(model: keras.Model, batch: np.ndarray) -> keras.Model:
        normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        momenta = [layer.momentum for layer in normalizations]
        for layer in normalizations:
            layer.momentum = 0.0
        model(batch, training=True)
        for layer, momentum in zip(normalizations, momenta):
            layer.momentum = momentum
        for weight in model.trainable_weights:
            value = weight.numpy()
            weight.assign(value + (0.05 * value.std() + 0.01 * abs(value).mean()) * rng.standard_normal(value.shape))
        return model

    return run
