"""Scaling is not lost: what a network expects of its pixels goes with it, and those of `keras.applications` are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from asked import usually
from keras import layers

import mtlzoo as mtl
from mtlzoo.backbones import BACKBONES, Backbone, create_backbone, expected_preprocessing
from mtlzoo.errors import InputError

SMALLER = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}}


def application(name: str = "MobileNet", **arguments) -> keras.Model:
    arguments = {
        "include_top": False,
        "weights": None,
        "input_shape": (32, 32, 3),
        **SMALLER.get(name, {}),
        **arguments,
    }
    return getattr(keras.applications, name)(**arguments)


# === Networks of Keras: that each is known is seen in `tests/integration/models/test_all_backbones.py` ===


@pytest.mark.parametrize("name", usually(["MobileNetV2"], ["MobileNetV2", "ResNet50"]))
def test_an_instance_is_as_the_builder_by_name(name, rng):
    images = rng.integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    by_instance = mtl.build(application(name), {"a": 2})
    by_name = getattr(mtl, name)({"a": 2}, (32, 32, 3), None, **SMALLER.get(name, {}))
    by_name.set_weights(by_instance.get_weights())
    assert by_instance.backbone.preprocessing == by_name.backbone.preprocessing == BACKBONES[name].preprocessing
    np.testing.assert_array_equal(by_instance(images, training=False)["a"], by_name(images, training=False)["a"])


def test_what_the_user_says_comes_first():
    assert mtl.build(application(), {"a": 2}, preprocessing="none").backbone.preprocessing == "none"
    again = mtl.build(mtl.build(application(), {"a": 2}).backbone, {"a": 2}, preprocessing="torch")
    assert again.backbone.preprocessing == "torch"


def wrapped(*before: layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((32, 32, 3)), *before, application(), layers.GlobalAveragePooling2D()])


def functional(*before: layers.Layer) -> keras.Model:
    images = x = keras.Input((32, 32, 3))
    for layer in before:
        x = layer(x)
    return keras.Model(images, application()(x))


@pytest.mark.parametrize("wrap", usually([wrapped], [wrapped, functional]))
def test_the_way_of_the_pixels_to_the_network_tells(wrap):
    flip, scale = layers.RandomFlip(), layers.Rescaling(1 / 127.5, -1.0)
    assert expected_preprocessing(wrap()) == "tf"
    assert expected_preprocessing(wrap(flip)) == "tf"
    assert expected_preprocessing(wrap(keras.Sequential([keras.Input((32, 32, 3)), flip]))) == "tf"
    assert expected_preprocessing(wrap(scale)) == "none"
    assert expected_preprocessing(wrap(flip, scale)) == "none"
    assert expected_preprocessing(wrap(keras.Sequential([keras.Input((32, 32, 3)), flip, scale]))) == "none"
    assert expected_preprocessing(wrap(layers.Conv2D(3, 1))) == "none"


def test_scaling_in_front_of_the_layers_of_a_network_is_seen():
    images = keras.Input((32, 32, 3))
    arguments = {"include_top": False, "weights": None, "alpha": 0.25}
    scaled = layers.Rescaling(1 / 127.5, -1.0)(images)
    assert expected_preprocessing(keras.applications.MobileNet(input_tensor=scaled, **arguments)) == "none"
    raw = keras.applications.mobilenet.preprocess_input(images)
    assert expected_preprocessing(keras.applications.MobileNet(input_tensor=raw, **arguments)) == "none"


@pytest.mark.parametrize(
    ("name", "mode"), usually([("MobileNetV3Small", "tf")], [("MobileNetV3Small", "tf"), ("ConvNeXtTiny", "torch")])
)
def test_scaling_that_a_network_leaves_out_stands_before_it(name, mode):
    assert expected_preprocessing(application(name, include_preprocessing=False)) == mode
    backbone, found = create_backbone(name, (32, 32, 3), weights=None, include_preprocessing=False)
    assert backbone.preprocessing == found == mode


def test_what_cannot_be_known_is_said():
    model = application("EfficientNetV2B0", include_preprocessing=False)
    with pytest.warns(
        UserWarning, match=r"'efficientnetv2-b0' expects of its pixels is not known.*preprocessing="
    ) as caught:
        assert create_backbone(model, (32, 32, 3))[1] == "none"
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert create_backbone(model, (32, 32, 3), preprocessing="torch")[1] == "torch"


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV3Small", "EfficientNetB0", "ConvNeXtTiny"])
def test_a_classification_top_is_refused_or_cut_off(name):
    model = application(name, include_top=True)
    with pytest.raises(
        InputError, match=r"without its classification top.*include_top=False, or say feature_layer="
    ) as caught:
        mtl.build(model, {"a": 2})
    assert "\n" not in str(caught.value)
    cut = next(
        layer.name for layer in reversed(model.layers) if layer.output.shape[1:3] == (1, 1) or "pool" in layer.name
    )
    assert mtl.build(model, {"a": 2}, feature_layer=cut).backbone.preprocessing == BACKBONES[name].preprocessing


def test_models_of_ones_own_take_the_pixels_as_they_are(tiny_backbone):
    images = keras.Input((32, 32, 3))
    own = keras.Model(images, layers.Conv2D(4, 3, name="conv1")(images))
    for model in (tiny_backbone, own, keras.Sequential([images, layers.Flatten()])):
        assert expected_preprocessing(model) == "none"


# === A backbone knows ===


@pytest.mark.parametrize("mode", usually(["tf", "caffe"], ["tf", "torch", "caffe", "none"]))
@pytest.mark.parametrize("channels", usually([3], [1, 3]))
def test_a_backbone_is_used_again_with_its_scaling(mode, channels, tmp_path, rng):
    images = rng.integers(0, 256, (2, 8, 8, channels)).astype("uint8")
    pixels = keras.Input((8, 8, channels))
    own = keras.Model(pixels, layers.Conv2D(4, 3, name="own")(pixels), name="mine")
    model = mtl.build(own, {"a": 2}, preprocessing=mode)
    expected = model(images, training=False)["a"]
    mtl.export(model, tmp_path / "model.h5")
    mtl.export(model, tmp_path / "model.keras")
    model.save(tmp_path / "checkpoint.keras")
    loaded = [mtl.load_model(tmp_path / name) for name in ("model.h5", "model.keras", "checkpoint.keras")]
    loaded.append(keras.models.load_model(tmp_path / "checkpoint.keras"))
    for each in (model, *loaded):
        assert each.backbone.preprocessing == mode
        again = mtl.build(each.backbone, each.heads)
        again.get_layer("a").set_weights(each.get_layer("a").get_weights())
        np.testing.assert_array_equal(again(images, training=False)["a"], expected)


def test_a_backbone_of_an_older_file_learns_it_from_the_graph():
    model = mtl.build(application(), {"a": 2})
    config = model.get_config()
    (nested,) = [layer for layer in config["layers"] if layer["class_name"] == "Backbone"]
    del nested["config"]["preprocessing"]
    assert mtl.MultiTaskModel.from_config(config).backbone.preprocessing == "tf"


def test_a_graph_made_by_hand_is_not_guessed_at():
    images = keras.Input((16, 16, 3))
    for between, expected in (([], "none"), ([layers.Rescaling(0.1, name="mine")], None)):
        backbone = Backbone(own := keras.Input((16, 16, 3)), layers.Conv2D(2, 3)(own))
        x = images
        for layer in between:
            x = layer(x)
        output = layers.Dense(2, activation="softmax", name="a")(layers.Flatten()(backbone(x)))
        model = mtl.MultiTaskModel(images, {"a": output}, heads={"a": mtl.ClassificationHead(2)})
        assert model.backbone.preprocessing == expected


def test_a_cut_leaves_the_scaling():
    model = mtl.build(application(), {"a": 2})
    assert mtl.build(model.backbone, {"a": 2}, feature_layer="conv_pw_5_relu").backbone.preprocessing == "tf"


def test_a_plain_file_as_backbone_has_its_scaling_inside(tmp_path):
    mtl.export(mtl.build(application(), {"a": 2}), tmp_path / "model.h5")
    plain = keras.models.load_model(tmp_path / "model.h5", compile=False)
    assert expected_preprocessing(keras.Model(plain.input, plain.get_layer("pooling").output)) == "none"
    assert expected_preprocessing(plain.get_layer("mobilenet_0.25_32")) == "tf"


def test_a_backbone_that_does_not_know_says_so(tiny_backbone):
    images = keras.Input((16, 16, 3))
    unknown = Backbone(images, layers.Conv2D(3, 3)(images), name="unknown")
    assert Backbone.from_config(unknown.get_config()).preprocessing is None
    with pytest.warns(UserWarning, match="'unknown' expects of its pixels is not known"):
        mtl.build(unknown, {"a": 2})
    assert expected_preprocessing(Backbone(tiny_backbone.input, tiny_backbone.output)) == "none"
    with pytest.raises(ValueError, match="one of the modes"):
        Backbone(images, images, preprocessing="imagenet")
