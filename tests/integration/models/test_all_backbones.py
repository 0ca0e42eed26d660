"""One tester that every backbone runs through: built, forwards, backwards, and round-tripped through an `.h5` file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from memory import release_memory

import mtlzoo as mtl
from mtlzoo.backbones.registry import BACKBONES


def pixels(name: str) -> int:
    return max(BACKBONES[name].minimum_size[0], 32)


@pytest.fixture(autouse=True)
def _memory_is_given_back_each_time():
    """The next one may be larger."""
    yield
    release_memory()


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_backbone(name, tmp_path):
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(0)
    heads = {"kind": 3, "size": mtl.RegressionHead(mean=5.0, scale=2.0)}
    model = getattr(mtl, name)(heads, input_shape=(pixels(name), pixels(name), 3), weights=None)
    for weight in model.weights:  # moving statistics of 0 and 1 would hide a mistake
        if not weight.trainable and weight.dtype == "float32" and len(weight.shape):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    images = rng.integers(0, 256, (2, pixels(name), pixels(name), 3)).astype("uint8")

    answers = {head: np.asarray(output) for head, output in model(images, training=False).items()}
    assert {head: output.shape for head, output in answers.items()} == {"kind": (2, 3), "size": (2, 1)}
    assert all(np.isfinite(output).all() for output in answers.values())

    model.compile()
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = model.compute_loss(y={"kind": np.array([1, -1]), "size": np.array([4.0, np.nan])}, y_pred=outputs)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert any(np.abs(gradient).max() > 0 for gradient in gradients)

    answers = {head: np.asarray(output) for head, output in model(images, training=False).items()}
    mtl.export(model, tmp_path / "model.h5")
    plain = keras.models.load_model(tmp_path / "model.h5")
    assert "mtlzoo" not in json.dumps(plain.get_config(), default=str)
    for head, output in plain(images, training=False).items():
        np.testing.assert_allclose(output, answers[head], atol=1e-5, rtol=1e-5)
