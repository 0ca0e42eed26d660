"""The mean of several models' weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl

HEADS = {"kids": mtl.BinaryHead(), "kind": mtl.ClassificationHead(3)}


def small(heads, channels=3):
    """A model on a backbone of two layers, one of them batch normalisation."""
    images = keras.Input((8, 8, channels))
    features = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(images))
    return mtl.build(keras.Model(images, features, name="small"), heads)


@pytest.fixture(scope="module")
def pair():
    one = small(HEADS)
    other = one.with_heads(one.heads)
    rng = np.random.default_rng(0)
    other.set_weights([weight + rng.normal(size=weight.shape).astype(weight.dtype) for weight in one.get_weights()])
    return one, other


def test_weights_are_the_mean_and_the_given_models_stay_as_they_are(pair):
    before = [model.get_weights() for model in pair]
    mean = mtl.average(pair)
    quarter = mtl.average(pair, weights=[3, 1])
    for first, second, half, part in zip(*before, mean.get_weights(), quarter.get_weights()):
        np.testing.assert_allclose(half, (first + second) / 2, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(part, 0.75 * first + 0.25 * second, rtol=1e-5, atol=1e-6)
    for model, weights in zip(pair, before):
        for kept, weight in zip(model.get_weights(), weights):
            np.testing.assert_array_equal(kept, weight)
    assert dict(mean.heads) == HEADS
    assert not mean.compiled


def test_statistics_of_batch_normalisation_are_averaged_and_balancing_does_not_matter():
    one = mtl.MobileNetV2(
        {"kids": mtl.BinaryHead(), "age": mtl.RegressionHead()}, (32, 32, 3), weights=None, alpha=0.35
    )
    other = one.with_heads(one.heads)
    one.compile(balancing="uncertainty")
    statistics = [weight for weight in other.backbone.weights if "moving_mean" in weight.path]
    for weight in statistics:
        weight.assign(weight + 2)
    mean = mtl.average([one, other])
    for weight in (weight for weight in mean.backbone.weights if "moving_mean" in weight.path):
        np.testing.assert_allclose(weight.numpy(), 1, atol=1e-6)


def test_one_model_is_its_own_mean(pair):
    for weight, same in zip(pair[0].get_weights(), mtl.average(pair[:1]).get_weights()):
        np.testing.assert_array_equal(weight, same)


def test_models_that_differ_are_refused(pair):
    model = pair[0]
    for others, message in (
        ([], "at least one model"),
        ([model, small({"kids": mtl.BinaryHead()})], r"same heads \(kids, kind\)"),
        ([model, small({**HEADS, "kids": mtl.BinaryHead(["a", "b"])})], "differ in 'kids'"),
        ([model, small(HEADS, channels=1)], "differ in their input"),
    ):
        with pytest.raises(ValueError, match=message):
            mtl.average(others)
    for weights in ([1], [1, -1], [0, 0]):
        with pytest.raises(ValueError, match="`weights`"):
            mtl.average(pair, weights=weights)
    with pytest.raises(TypeError, match="heads"):
        mtl.average([model, "model.h5"])
