"""Models with layers, calls and inputs of somebody's own are backbones; files that cannot hold them say so."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import mtlzoo as mtl
from mtlzoo.models.freezing import leaf_layers, own_variables
from mtlzoo.training.features import is_fixed


@keras.saving.register_keras_serializable("mine")
class Block(layers.Layer):
    def build(self, shape):
        self.dense = layers.Dense(shape[-1])
        self.dense.build(shape)
        self.drop = layers.Dropout(0.5)

    def call(self, inputs):
        return inputs + self.drop(self.dense(inputs))


@keras.saving.register_keras_serializable("mine")
class Stack(layers.Layer):
    def build(self, shape):
        self.blocks = [Block(name=f"block_{i}") for i in range(3)]
        for block in self.blocks:
            block.build(shape)
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, inputs):
        x = ops.concatenate([ops.tile(self.token, (ops.shape(inputs)[0], 1, 1)), inputs], axis=1)
        for block in self.blocks:
            x = block(x)
        return x


def of_layers(key: str | None = None) -> keras.Model:
    """A small transformer of layers of its own; its input in a dictionary if a key is given."""
    images = keras.Input((16, 16, 3), name=key)
    patches = layers.Reshape((16, 8))(layers.Conv2D(8, 4, strides=4, name="patches")(images))
    return keras.Model({key: images} if key else images, Stack(name="stack")(patches), name="small")


@keras.saving.register_keras_serializable("mine")
class Called(keras.Model):
    """No graph, but a call of its own, on a dictionary."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.convolution = layers.Conv2D(8, 4, strides=4, name="convolution")
        self.stack = [Block(name="first"), Block(name="second")]

    def call(self, inputs):
        x = self.convolution(inputs["pixel_values"])
        for block in self.stack:
            x = block(x)
        return {"features": x}


class Unregistered(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def of_unknown_layer() -> keras.Model:
    images = keras.Input((16, 16, 3))
    return keras.Model(images, Unregistered(name="mine")(layers.Conv2D(4, 3)(images)), name="unknown")


def of_lambda() -> keras.Model:
    images = keras.Input((16, 16, 3))
    return keras.Model(images, layers.Lambda(lambda x: x, name="secret")(layers.Conv2D(4, 3)(images)), name="own")


MODELS = {
    "layers": of_layers,
    "dictionary": lambda: of_layers("pixel_values"),
    "call": Called,
    "unknown": of_unknown_layer,
    "lambda": of_lambda,
}
HEADS = {"kind": 3, "points": mtl.LandmarkHead(2)}
SHAPES = {
    "layers": (4, 4, 16),
    "dictionary": (4, 4, 16),
    "call": (4, 4, 8),
    "unknown": (14, 14, 4),
    "lambda": (14, 14, 4),
}


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (4, 16, 16, 3)).astype("uint8")


@pytest.mark.parametrize("name", MODELS)
def test_it_is_trained(name, pixels):
    network = MODELS[name]()
    model = mtl.build(network, HEADS, (16, 16, 3), preprocessing="tf")
    assert model.backbone.output_shape[1:] == SHAPES[name]
    assert {id(weight) for weight in network.weights} == {id(weight) for weight in model.backbone.weights}
    before = [weight.numpy() for weight in network.trainable_weights]
    model.set_trainable("heads")
    trunk = model.split().trunk
    assert is_fixed(trunk)
    np.testing.assert_array_equal(trunk(pixels, training=True), trunk(pixels, training=False))
    model.set_trainable("all")
    model.compile("sgd", run_eagerly=True)
    model.fit(pixels, {"kind": np.array([0, 1, -1, 2])}, verbose=0)
    assert not any(np.array_equal(weight, old) for weight, old in zip(network.trainable_weights, before, strict=True))


@pytest.mark.parametrize("name", ["layers", "dictionary", "call"])
def test_registered_layers_come_back(name, pixels, tmp_path):
    model = mtl.build(MODELS[name](), HEADS, (16, 16, 3), preprocessing="tf")
    expected = model(pixels)
    model.save(tmp_path / "whole.keras")
    mtl.export(model, tmp_path / "plain.keras")
    for path in ("whole.keras", "plain.keras"):
        for head, output in mtl.load_model(tmp_path / path)(pixels).items():
            np.testing.assert_array_equal(output, expected[head])
    with pytest.raises(ValueError, match=r"`\.keras`, which loads with the package 'mine', a SavedModel"):
        mtl.export(model, tmp_path / "model.h5")
    with pytest.raises(ValueError, match="formats that hold it are"):
        model.save(tmp_path / "model.h5")


@pytest.mark.long
@pytest.mark.parametrize("name", ["unknown", "lambda"])
def test_others_run_where_keras_is_not(name, pixels, tmp_path):
    model = mtl.build(MODELS[name](), {"kind": 3}, (16, 16, 3), preprocessing="tf")
    for path in ("model.h5", "model.keras"):
        with pytest.raises(ValueError, match=r"formats that hold it are a SavedModel \(a folder\), ONNX .* LiteRT"):
            mtl.export(model, tmp_path / path)
    assert list(tmp_path.iterdir()) == []
    mtl.export(model, tmp_path / "saved")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.serve(tf.constant(pixels, "float32"))["kind"], model(pixels)["kind"], atol=1e-6)


def test_blocks_of_a_stack_are_frozen_singly():
    model = mtl.build(of_layers(), HEADS, (16, 16, 3), preprocessing="tf")
    names = [layer.name for layer in leaf_layers(model.backbone) if layer.weights]
    assert names == ["patches", "block_0", "block_1", "block_2"]
    (token,) = own_variables(model.backbone.get_layer("stack"))
    for part, trained in ((1, ["block_2"]), (["block_1"], ["block_1"]), (3, names[1:])):
        model.set_trainable(part)
        found = {layer.name for layer in leaf_layers(model.backbone) if layer.trainable_variables}
        assert found == set(trained)
        assert token.trainable == (part == 3)  # all blocks of what it belongs to are trained
        assert (id(token) in {id(variable) for variable in model.trainable_variables}) == (part == 3)


def test_one_of_several_outputs(pixels):
    images = keras.Input((16, 16, 3))
    x = Unregistered()(layers.Conv2D(4, 3, name="first")(images))
    network = keras.Model(images, {"shallow": x, "deep": layers.Conv2D(5, 3)(x)}, name="two")
    with pytest.raises(ValueError, match=r"one output, received: 'two' with the outputs shallow, deep. Choose one"):
        mtl.build(network, HEADS)
    for name, channels in (("shallow", 4), ("deep", 5), ("first", 4)):
        assert mtl.build(network, HEADS, feature_layer=name).backbone.output_shape[-1] == channels


def test_what_cannot_be_called_on_images():
    class Deaf(keras.Model):
        def call(self, inputs):
            raise RuntimeError("no images, please")

    with pytest.raises(ValueError, match=r"takes images of the shape \(16, 16, 3\), received: 'deaf', .*no images"):
        mtl.build(Deaf(name="deaf"), HEADS, (16, 16, 3))
    with pytest.raises(ValueError, match="Expected no feature_layer= for 'called', which is no functional model"):
        mtl.build(Called(name="called"), HEADS, (16, 16, 3), feature_layer="convolution")
    with pytest.raises(ValueError, match="Expected `input_shape`"):
        mtl.build(Called(name="called"), HEADS)
    two = [keras.Input((16, 16, 3)), keras.Input((2,))]
    with pytest.raises(ValueError, match="Expected a backbone with one image input, received"):
        mtl.build(keras.Model(two, layers.Conv2D(2, 3)(two[0]) + ops.sum(two[1])), HEADS, (16, 16, 3))
