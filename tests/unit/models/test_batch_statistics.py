"""Statistics that are computed anew are those of all images together, and nothing else changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.models.batch_norm import normalization_layers
from mtlzoo.models.batch_statistics import FreshStatistics


@pytest.fixture
def model(tiny_backbone):
    return mtl.build(tiny_backbone, {"color": 3}, (16, 16, 3), weights=None, preprocessing="none", dropout=0.5)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (12, 16, 16, 3)).astype("float32")


def test_they_are_those_of_all_images_together(model, images):
    layer = model.backbone.get_layer("conv_pw_1_bn")
    FreshStatistics(model).compute([images[:3], images[3:]])  # of unequal sizes
    before = keras.Model(model.backbone.input, model.backbone.get_layer("conv_pw_1").output)
    values = before.predict(images, verbose=0)
    np.testing.assert_allclose(layer.moving_mean.numpy(), values.mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), values.var((0, 1, 2)), rtol=1e-4)


def test_inference_then_gives_what_training_gives(model, images):
    """Of one batch, whose statistics are those of training."""
    model.backbone.get_layer("drop").rate = 0.0
    FreshStatistics(model).compute([images])
    features = [np.asarray(model.backbone(images, training=training)) for training in (False, True)]
    np.testing.assert_allclose(*features, rtol=1e-3, atol=1e-4)


def test_weights_seeds_and_momentum_stay(model, images):
    statistics = FreshStatistics(model)
    own = [id(variable) for variable in statistics.variables]
    others = [variable for variable in model.variables if id(variable) not in own]
    before = [variable.numpy() for variable in others]
    momenta = [layer.momentum for layer in normalization_layers(model)]
    statistics.compute([images])
    for variable, value in zip(others, before):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)
    assert [layer.momentum for layer in normalization_layers(model)] == momenta


def test_frozen_layers_keep_theirs_and_no_images_change_nothing(model, images):
    layers = [model.backbone.get_layer(f"{name}_bn") for name in ("conv_pw_1", "conv_pw_11", "conv_pw_12")]
    before = [layer.moving_mean.numpy() for layer in layers]
    FreshStatistics(model).compute([])
    model.set_trainable(2)
    FreshStatistics(model).compute([images])
    changed = [not np.array_equal(layer.moving_mean.numpy(), old) for layer, old in zip(layers, before)]
    assert changed == [False, False, True]
    model.set_trainable("heads")
    FreshStatistics(model).compute([images])  # nothing to compute
