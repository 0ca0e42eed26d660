"""The same layers on images of another size."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.models.resizing import at_size

HEADS = {"color": 3, "kids": mtl.BinaryHead(["no", "yes"])}


def test_it_is_the_network_that_would_have_been_built(tiny_backbone, rng):
    model = mtl.build(tiny_backbone, HEADS, (32, 32, 3), preprocessing="none")
    small = at_size(model, (16, 24))
    built = mtl.build(tiny_backbone, HEADS, (16, 24, 3), preprocessing="none")
    built.set_weights(model.get_weights())
    images = rng.integers(0, 256, (3, 16, 24, 3)).astype("uint8")
    for name, values in built.predict(images, verbose=0).items():
        np.testing.assert_allclose(small.predict(images, verbose=0)[name], values, atol=1e-6)
    assert type(small) is type(model)
    assert (small.name, dict(small.heads), small.resize) == (model.name, dict(model.heads), model.resize)
    assert small.backbone.preprocessing == model.backbone.preprocessing
    assert small.input_shape == (None, 16, 24, 3)
    assert model.input_shape == (None, 32, 32, 3)


def test_weights_and_what_is_trainable_are_shared(tiny_backbone):
    model = mtl.build(tiny_backbone, HEADS, (32, 32, 3), preprocessing="none")
    small = at_size(model, (16, 16))
    assert [id(weight) for weight in small.weights] == [id(weight) for weight in model.weights]
    small.set_trainable("heads")
    model.set_trainable("heads")
    assert len(small.trainable_variables) == len(model.trainable_variables) == 4


def test_its_own_size_is_itself_and_a_layer_for_each_position_is_named(tiny_backbone):
    model = mtl.build(tiny_backbone, HEADS, (32, 32, 3), preprocessing="none")
    assert at_size(model, (32, 32)) is model
    flat = mtl.build(tiny_backbone, HEADS, (32, 32, 3), preprocessing="none", pooling="flatten")
    with pytest.raises(
        ValueError, match="images of 16 x 16 pixels too, but one of its layers fits those of 32 x 32 alone"
    ):
        at_size(flat, (16, 16))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV2"])
def test_known_networks_can_be_resized(name):
    keras.utils.set_random_seed(0)
    model = mtl.build(name, {"color": 3}, (64, 64, 3), None)
    small = at_size(model, (32, 32))
    outputs = small.predict(np.zeros((1, 32, 32, 3), "uint8"), verbose=0)
    assert outputs["color"].shape == (1, 3)
