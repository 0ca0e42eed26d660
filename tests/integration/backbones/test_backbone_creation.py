from __future__ import annotations

import socket
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo.backbones import Backbone, create_backbone, preprocess

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def small_backbone() -> Backbone:
    inputs = keras.Input((8, 8, 3))
    features = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
    return Backbone(inputs, layers.Dropout(0.5)(features), name="small")


# === Backbone ===


def test_frozen_is_in_inference_mode(images):
    backbone, batch = small_backbone(), images(4, 8, 8)
    backbone.trainable = False
    before = backbone.get_weights()
    np.testing.assert_array_equal(backbone(batch, training=True), backbone(batch, training=False))
    for old, new in zip(before, backbone.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_unfrozen_moves_and_drops(images):
    backbone, batch = small_backbone(), images(4, 8, 8)
    before = backbone.get_weights()
    assert np.any(backbone(batch, training=True) != backbone(batch, training=False))
    assert sum(np.any(old != new) for old, new in zip(before, backbone.get_weights())) == 2  # mean and variance
    assert (backbone(batch, training=True).numpy() == 0).mean() > 0.3


@pytest.mark.parametrize("trainable", [True, False])
def test_follows_training_inside_another_model(trainable, images):
    backbone, batch = small_backbone(), images(4, 8, 8)
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(backbone(inputs))))
    backbone.trainable = trainable
    model.compile("sgd", "mse")
    before = backbone.get_weights()
    model.train_on_batch(batch, np.ones((4, 1)))
    moved = sum(np.any(old != new) for old, new in zip(before, backbone.get_weights()))
    assert moved == (6 if trainable else 0)


@pytest.mark.parametrize("trainable", [True, False])
def test_survives_file_and_clone(trainable, images, tmp_path):
    backbone, batch = small_backbone(), images(4, 8, 8)
    backbone.trainable = trainable
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(backbone(inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(batch), model(batch))
    for other in (loaded, keras.models.clone_model(model)):
        assert type(other.get_layer("small")) is Backbone
        assert other.get_layer("small").trainable is trainable
    again = Backbone.from_config(backbone.get_config())
    assert (type(again), again.name, again.trainable) == (Backbone, "small", trainable)


# === By name ===


def test_makes_a_named_backbone(images):
    backbone, mode = create_backbone(
        "mobilenet", (96, 64, 3), weights=None, alpha=0.25, feature_layer="conv_pw_11_relu"
    )
    assert (type(backbone), mode) == (Backbone, "tf")
    assert backbone.output_shape == (None, 6, 4, 128)
    assert backbone.get_layer("conv_pw_11").filters == 128
    inputs = keras.Input((96, 64, 3))
    model = keras.Model(inputs, backbone(preprocess(inputs, mode)))
    application = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(96, 64, 3), alpha=0.25)
    expected = keras.Model(application.input, application.get_layer("conv_pw_11_relu").output)
    expected.set_weights(backbone.get_weights())
    batch = images(2, 96, 64)
    scaled = keras.applications.mobilenet.preprocess_input(batch.copy())
    np.testing.assert_allclose(model(batch), expected(scaled), rtol=1e-4, atol=1e-6)


def test_is_made_of_layers_that_belong_to_it_alone():
    backbone, mode = create_backbone("mobilenet_v3_small", (32, 32, 3), weights=None)
    assert mode == "none"
    assert all(isinstance(operation, layers.Layer) for operation in backbone.operations)
    inner = keras.Model(backbone.input, backbone.get_layer("conv_1").output)
    assert all(isinstance(operation, layers.Layer) for operation in inner.operations)


def test_any_size_and_one_channel():
    assert create_backbone("mobilenet", (None, None, 3), None, alpha=0.25)[0].output_shape == (None, None, None, 256)
    backbone, mode = create_backbone("mobilenet", (32, 48, 1), None, alpha=0.25)
    assert backbone.input_shape == (None, 32, 48, 1)
    assert preprocess(keras.Input((32, 48, 1)), mode).shape == (None, 32, 48, 1)


def test_weights_from_a_file_fit_any_size(tmp_path):
    source = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(64, 64, 3), alpha=0.25)
    for name in ("mobilenet.weights.h5", "mobilenet.h5"):
        source.save_weights(tmp_path / name) if "weights" in name else source.save(tmp_path / name)
        backbone, _ = create_backbone("mobilenet", (128, 96, 3), weights=tmp_path / name, alpha=0.25)
        for expected, weight in zip(source.get_weights(), backbone.get_weights()):
            np.testing.assert_array_equal(weight, expected)
    with pytest.raises(ValueError, match=r"does not hold weights that fit 'mobilenet_0\.50_64'"):
        create_backbone("mobilenet", (64, 64, 3), weights=tmp_path / "mobilenet.h5", alpha=0.5)


def test_preprocessing_can_be_chosen():
    assert create_backbone("mobilenet", (32, 32, 3), None, preprocessing="torch", alpha=0.25)[1] == "torch"


def test_missing_imagenet_weights_are_one_clear_error(monkeypatch, tmp_path):
    def no_network(*_, **__):
        raise socket.gaierror("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras warns at unusual sizes, which concerns nobody here.
        with pytest.raises(OSError, match=r"weights of MobileNetV2 .*could not be downloaded.*no network.*KERAS_HOME"):
            create_backbone("mobilenet_v2", (100, 100, 3), alpha=0.5)
    with pytest.raises(OSError, match="other weights for 128, 160 and 192 pixels"):
        create_backbone("mobilenet", (128, 128, 3), alpha=0.25)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"backbone": "mobilnet"}, ValueError, "Did you mean 'MobileNet'"),
        ({"backbone": 5}, TypeError, "Expected the name of a backbone or a keras.Model, received: 5"),
        ({"feature_layer": "conv_pw_11_rel"}, ValueError, "Did you mean 'conv_pw_11_relu'"),
        ({"input_shape": (31, 96, 3)}, ValueError, "at least 32 x 32 pixels"),
        ({"input_shape": (96, 96)}, ValueError, r"Expected input_shape=\(height, width, channels\)"),
        ({"input_shape": (96, 96, 1), "weights": "imagenet"}, ValueError, "Expected 3 channels"),
        ({"beta": 1}, TypeError, "MobileNet has no argument beta. It accepts: alpha, depth_multiplier"),
        ({"pooling": "avg"}, TypeError, "MobileNet has no argument pooling"),
        ({"weights": "missing.h5"}, FileNotFoundError, "Expected weights=None, 'auto', 'imagenet' or the path"),
        ({"weights": "imagenet", "alpha": 0.3}, ValueError, "alpha"),
    ],
)
def test_wrong_arguments_are_named(changes, error, message):
    arguments = {"backbone": "mobilenet", "input_shape": (96, 96, 3), "weights": None} | changes
    with pytest.raises(error, match=message):
        create_backbone(**arguments)


# === A model of the user's own ===


def own_model() -> keras.Model:
    inputs = keras.Input((None, None, 3))
    features = layers.Conv2D(4, 3, name="convolution")(inputs / 255.0)
    return keras.Model(inputs, layers.Lambda(lambda x: x, name="secret")(features), name="own")


def test_own_model_keeps_and_shares_its_weights(images):
    model, batch = own_model(), images(2, 16, 16)
    backbone, mode = create_backbone(model, (16, 16, 3), feature_layer="convolution")
    assert (type(backbone), backbone.name, mode) == (Backbone, "own", "none")
    assert backbone.get_layer("convolution") is model.get_layer("convolution")
    np.testing.assert_allclose(backbone(batch), model(batch), rtol=1e-5, atol=1e-6)
    again, mode = create_backbone(backbone, (16, 16, 3), preprocessing="tf")
    assert mode == "tf"
    np.testing.assert_array_equal(again(batch), backbone(batch))


def test_own_sequential_model():
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.Flatten()], name="sequence")
    backbone, _ = create_backbone(model, (16, 16, 3))
    assert (backbone.name, backbone.output_shape) == ("sequence", (None, 14 * 14 * 4))
    assert backbone.weights[0] is model.weights[0]


def test_own_layers_shared_between_graphs_are_cut_in_the_right_one(images):
    convolution, batch = layers.Conv2D(4, 3, name="convolution"), images(2, 16, 16)
    other = keras.Input((16, 16, 3))
    convolution(other)
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, layers.ReLU()(convolution(layers.Rescaling(0.01)(inputs))))
    backbone, _ = create_backbone(model, (16, 16, 3), feature_layer="convolution")
    np.testing.assert_allclose(backbone(batch), convolution(batch * np.float32(0.01)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"feature_layer": "convolutio"}, ValueError, "Did you mean 'convolution'"),
        ({"feature_layer": "convolution", "input_shape": (16, 16, 1)}, ValueError, "one image input that fits"),
        ({"feature_layer": "convolution", "alpha": 0.5}, TypeError, "takes no further arguments, received: alpha"),
    ],
)
def test_own_models_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        create_backbone(own_model(), **({"input_shape": (16, 16, 3)} | arguments))
