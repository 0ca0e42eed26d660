"""Batch normalisation by one operation trains as Keras' own does."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mtlzoo.backbones import Backbone
from mtlzoo.backbones.fused_batch_norm import fuse_batch_norm

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one operation of TensorFlow")


def _layer(**options):
    layer = keras.layers.BatchNormalization(momentum=0.7, **options)
    layer.build((None, 5, 6, 4))
    random = np.random.default_rng(0)
    layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    return layer


def _train(layer, images, jit=False):
    """Outputs, gradients of the inputs and of the weights, and the moving statistics afterwards."""

    @tf.function(jit_compile=jit)
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, "float32") ** 3)
        return outputs, tape.gradient(loss, [images, *(weight.value for weight in layer.trainable_variables)])

    outputs, gradients = step(tf.constant(images))
    return [*map(np.asarray, (outputs, *gradients)), *layer.get_weights()]


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1}])
@pytest.mark.parametrize("jit", [False, True])
def test_trains_as_keras_does(options, jit):
    images = np.random.default_rng(1).normal(3, 2, (3, 5, 6, 4)).astype("float32")
    plain, fused = _layer(**options), _layer(**options)
    fuse_batch_norm(fused)
    for expected, received in zip(_train(plain, images), _train(fused, images, jit), strict=True):
        np.testing.assert_allclose(received, expected, rtol=2e-4, atol=2e-4)


def test_is_one_operation():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()])
    fuse_batch_norm(model)
    graph = tf.function(lambda images: model(images, training=True)).get_concrete_function(tf.zeros((2, 8, 8, 3))).graph
    assert "FusedBatchNormV3" in [operation.type for operation in graph.get_operations()]


def test_one_value_a_channel_has_no_variance():
    plain, fused = _layer(), _layer()
    fuse_batch_norm(fused)
    images = np.ones((1, 1, 1, 4), "float32")
    for expected, received in zip(_train(plain, images), _train(fused, images), strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_float16_is_computed_in_float32():
    images = np.random.default_rng(1).normal(300, 2, (3, 5, 6, 4)).astype("float16")
    plain, fused = _layer(dtype="mixed_float16"), _layer(dtype="mixed_float16")
    fuse_batch_norm(fused)
    expected, received = _train(plain, images), _train(fused, images)
    assert received[0].dtype == np.float16
    np.testing.assert_allclose(received[0], expected[0], atol=0.01)
    np.testing.assert_allclose(received[-2:], expected[-2:], rtol=1e-4)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (keras.layers.BatchNormalization(axis=1), (2, 4, 5, 6)),
        (keras.layers.BatchNormalization(), (2, 4)),
        (keras.layers.BatchNormalization(dtype="float64"), (2, 4, 5, 6)),
        (keras.layers.BatchNormalization(epsilon=1e-6), (2, 4, 5, 6)),
    ],
)
def test_others_are_left_to_keras(layer, shape):
    images = np.random.default_rng(2).normal(size=shape).astype(layer.compute_dtype)
    layer.build(shape)
    plain = type(layer).from_config(layer.get_config())
    fuse_batch_norm(layer)
    np.testing.assert_array_equal(layer(images, training=True), plain(images, training=True))


def test_frozen_layers_and_inference_keep_their_statistics():
    images = np.random.default_rng(3).normal(3, 2, (3, 5, 6, 4)).astype("float32")
    for training, trainable in ((True, False), (False, True), (None, True)):
        plain, fused = _layer(), _layer()
        fuse_batch_norm(fused)
        plain.trainable = fused.trainable = trainable
        np.testing.assert_array_equal(fused(images, training=training), plain(images, training=training))
        np.testing.assert_array_equal(fused.get_weights(), plain.get_weights())


def test_twice_is_once_and_copies_are_plain():
    layer = _layer()
    fuse_batch_norm(layer)
    call = layer.call
    fuse_batch_norm(layer)
    assert layer.call is call
    assert "call" not in vars(keras.layers.BatchNormalization.from_config(layer.get_config()))


def test_an_unfrozen_backbone_is_fused_by_its_first_training_step():
    images = keras.Input((8, 8, 3))
    outputs = keras.layers.BatchNormalization(name="normalization")(keras.layers.Conv2D(4, 3)(images))
    backbone = Backbone(images, outputs, name="small")
    layer = backbone.get_layer("normalization")
    batch = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    for trainable, training in ((False, True), (True, False)):
        backbone.trainable = trainable
        backbone(batch, training=training)
        assert "call" not in vars(layer)
    backbone(batch, training=True)
    assert "call" in vars(layer)
