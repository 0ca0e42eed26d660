from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtlzoo.backbones import Backbone, to_builtin_layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def assert_equal_and_loadable(model: keras.Model, rewritten: keras.Model, batch: np.ndarray, folder) -> None:
    """The same numbers before, after, and after a plain `.h5` file; and numbers that tell images apart."""
    expected = model(batch).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3 * abs(expected).max()
    np.testing.assert_allclose(rewritten(batch), expected, rtol=1e-5, atol=1e-6 * abs(expected).max())
    rewritten.save(folder / "model.h5")
    loaded = keras.models.load_model(folder / "model.h5")
    np.testing.assert_allclose(loaded(batch), expected, rtol=1e-5, atol=1e-6 * abs(expected).max())


def inception_resnet() -> keras.Model:
    """InceptionResNetV2 as far as its second kind of block."""
    whole = keras.applications.InceptionResNetV2(include_top=False, weights=None, input_shape=(75, 75, 3))
    return keras.Model(whole.input, whole.get_layer("block17_3_ac").output)


def mobilenet() -> keras.Model:
    return keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(48, 40, 3))


def convnext() -> keras.Model:
    """The first two stages of the smallest ConvNeXt: all of them repeat the same block."""
    tiny = keras.applications.ConvNeXtTiny(include_top=False, weights=None, input_shape=(32, 32, 3))
    return keras.Model(tiny.input, tiny.get_layer("convnext_tiny_stage_1_block_1_identity").output)


@pytest.mark.parametrize(
    ("make", "size"),
    [(mobilenet, (48, 40)), pytest.param(inception_resnet, (75, 75), marks=pytest.mark.long), (convnext, (32, 32))],
    ids=["MobileNetV3Small", "InceptionResNetV2", "ConvNeXt"],
)
def test_architectures_of_keras(make, size, settle, images, tmp_path):
    model = settle(make(), images(8, *size))
    rewritten = to_builtin_layers(model)
    assert rewritten is not model
    assert rewritten.name == model.name
    assert [layer.name for layer in model.layers if layer.weights] == [
        layer.name for layer in rewritten.layers if layer.weights
    ]
    assert len(rewritten.trainable_weights) == len(model.trainable_weights)
    assert to_builtin_layers(rewritten) is rewritten
    assert_equal_and_loadable(model, rewritten, images(2, *size), tmp_path)


def test_shares_layers_and_keeps_names():
    model = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
    rewritten = to_builtin_layers(model)
    assert [a is b for a, b in zip(model.weights, rewritten.weights)] == [True] * len(model.weights)
    assert {operation.name for operation in model.operations} == {layer.name for layer in rewritten.layers}


def test_a_model_that_needs_nothing_is_returned_itself():
    model = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.25)
    assert to_builtin_layers(model) is model
    sequential = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    assert to_builtin_layers(sequential) is sequential


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_preprocess_input_in_the_graph(mode, images, tmp_path):
    inputs = keras.Input((9, 7, 3), name="image")
    features = layers.Conv2D(4, 3)(keras.applications.imagenet_utils.preprocess_input(inputs, mode=mode))
    model = keras.Model(inputs, features)
    rewritten = to_builtin_layers(model)
    assert rewritten.inputs[0] is inputs
    assert_equal_and_loadable(model, rewritten, images(2, 9, 7), tmp_path)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x + 3.0,
        lambda x: 3.0 + x,
        lambda x: x - 3.0,
        lambda x: 3.0 - x,
        lambda x: x * np.array([1.0, 2.0, 3.0], "float32"),
        lambda x: 2.0 * x,
        lambda x: x / np.array([[[1.0, 2.0, 3.0]]], "float32"),
        lambda x: ops.divide(x, 4.0),
        lambda x: -x,
        lambda x: x + ops.maximum(x, 90.0 - x) - x * x,
        lambda x: x * ops.minimum(x, layers.GlobalAveragePooling2D(keepdims=True)(x)),
        lambda x: ops.relu(x - 100.0) + ops.sigmoid(x / 50.0) + ops.hard_silu(x) + ops.relu6(x),
        lambda x: ops.concatenate([x, x[..., ::-1]], axis=-1),
        lambda x: x[:, :, :, 1:],
        lambda x: ops.flip(x, axis=-1),
        lambda x: ops.stack([x[..., 2], x[..., -3]], axis=-1),
        lambda x: ops.cast(ops.cast(x, "float16"), "float32"),
    ],
)
def test_operations(operation, images, tmp_path):
    inputs = keras.Input((6, 5, 3))
    model = keras.Model(inputs, operation(inputs))
    rewritten = to_builtin_layers(model)
    assert all(isinstance(each, keras.layers.Layer) for each in rewritten.operations)
    assert_equal_and_loadable(model, rewritten, images(2, 6, 5), tmp_path)


def test_half_precision_gives_the_same_halves(images):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        inputs = keras.Input((6, 5, 3))
        model = keras.Model(inputs, layers.ReLU(6.0)(layers.Conv2D(4, 1)(inputs) + 3.0) * (1.0 / 6.0))
        rewritten = to_builtin_layers(model)
    finally:
        keras.config.set_dtype_policy("float32")
    batch = images(2, 6, 5) / 100
    assert model(batch).dtype == rewritten(batch).dtype == "float16"
    np.testing.assert_array_equal(rewritten(batch), model(batch))


def test_nested_and_shared_models(images, tmp_path):
    inner_input = keras.Input((8, 8, 3))
    inner = keras.Model(inner_input, layers.Conv2D(4, 3, name="convolution")(inner_input / 255.0), name="inner")
    stem = keras.Sequential([layers.Conv2D(3, 1), layers.BatchNormalization()], name="stem")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.Add()([inner(stem(inputs)), inner(inputs)]))
    rewritten = to_builtin_layers(model)
    assert rewritten.get_layer("stem") is stem
    assert rewritten.get_layer("inner").get_layer("convolution") is inner.get_layer("convolution")
    assert len(rewritten.weights) == len(model.weights)
    assert_equal_and_loadable(model, rewritten, images(2, 8, 8), tmp_path)


def test_a_replaced_layer_called_twice_stays_one_layer(images, tmp_path):
    application = keras.applications.ConvNeXtTiny(include_top=False, weights=None, input_shape=(32, 32, 3))
    scale = application.get_layer("convnext_tiny_stage_0_block_0_layer_scale")
    scale.set_weights([np.linspace(1.0, 2.0, 96)])
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, scale(scale(layers.Conv2D(96, 3)(inputs))))
    rewritten = to_builtin_layers(model)
    assert len(rewritten.weights) == 3
    assert_equal_and_loadable(model, rewritten, images(2, 8, 8), tmp_path)


def test_a_backbone_becomes_a_plain_model_as_frozen_as_it_was(images, tmp_path):
    inner_input = keras.Input((8, 8, 3))
    backbone = Backbone(inner_input, layers.BatchNormalization()(layers.Conv2D(4, 3)(inner_input)), name="features")
    backbone.trainable = False
    inputs = keras.Input((8, 8, 3), name="image")
    pooled = layers.GlobalAveragePooling2D()(backbone(inputs))
    model = keras.Model(inputs, {"z": layers.Dense(2, name="z")(pooled), "a": layers.Dense(1, name="a")(pooled)})
    rewritten = to_builtin_layers(model)
    assert type(rewritten.get_layer("features")) is type(rewritten)
    assert not rewritten.get_layer("features").trainable
    assert len(rewritten.trainable_weights) == len(model.trainable_weights) == 4
    rewritten.save(tmp_path / "model.h5")
    batch = images(2, 8, 8)
    loaded, expected = keras.models.load_model(tmp_path / "model.h5")(batch), model(batch)
    assert set(loaded) == {"z", "a"}
    for name in expected:
        np.testing.assert_allclose(loaded[name], expected[name], rtol=1e-6)


class Double(layers.Layer):
    def call(self, inputs):
        return inputs * 2

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        (lambda x: layers.Lambda(lambda t: t * 2, name="twice")(x), "'twice' of the class `Lambda`"),
        (lambda x: Double(name="double")(x), "'double' of the class `Double`"),
        (lambda x: layers.TimeDistributed(Double(), name="each")(x), "'each' of the class `TimeDistributed`"),
        (lambda x: layers.Activation(lambda t: t, name="mine")(x), "'mine' of the class `Activation`"),
        (lambda x: keras.Sequential([layers.Lambda(lambda t: t, name="same")])(x), "'same' of the class `Lambda`"),
        (lambda x: ops.exp(x), "of the class `Exp`"),
        (lambda x: 1.0 / x, "of the class `TrueDivide`"),
        (lambda x: x[:, 2:], "of the class `GetItem`"),
        (lambda x: x + np.ones((6, 5, 3), "float32"), "of the class `Add`"),
        (lambda x: x + keras.Variable(np.ones(3, "float32")), "of the class `Add`"),
    ],
)
def test_refuses_the_rest_by_name(operation, named):
    inputs = keras.Input((6, 5, 3))
    with pytest.raises(ValueError, match=named):
        to_builtin_layers(keras.Model(inputs, operation(inputs)))


def test_refuses_models_that_are_no_graph():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="no built functional or sequential model"):
        to_builtin_layers(Subclassed())

    class Altered(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return 2 * super().call(inputs)

    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match="a `call` of its own"):
        to_builtin_layers(Altered(inputs, layers.Dense(2)(inputs)))
