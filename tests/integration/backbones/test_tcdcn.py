"""The network of Zhang et al. 2014 as a backbone: its shape, its variants, and that it is trained from scratch."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.backbones import create_backbone, get_backbone
from mtlzoo.backbones.tcdcn import TCDCN

HEADS = {"points": mtl.RegressionHead(units=10, mean=0.5, scale=0.1), "smile": mtl.BinaryHead(labels=["yes", "no"])}


def shapes(model: keras.Model, kind: type) -> list[tuple]:
    return [layer.output.shape[1:] for layer in model.layers if isinstance(layer, kind)]


# === The network ===


@pytest.mark.parametrize("channels", [1, 3])
def test_the_maps_are_those_of_the_paper(channels):
    model = TCDCN((40, 40, channels))
    assert shapes(model, keras.layers.Conv2D) == [(36, 36, 16), (16, 16, 48), (6, 6, 64), (2, 2, 64)]
    assert shapes(model, keras.layers.MaxPooling2D) == [(18, 18, 16), (8, 8, 48), (3, 3, 64)]
    assert model.output_shape == (None, 100)
    assert model.input_shape == (None, 40, 40, channels)


def test_the_paper_has_biases_and_no_normalisation():
    model = TCDCN((40, 40, 1), activation="abs_tanh", batch_normalization=False)
    kernels = 25 * 16 + 9 * 16 * 48 + 9 * 48 * 64 + 4 * 64 * 64 + 256 * 100
    assert model.count_params() == kernels + 16 + 48 + 64 + 64 + 100
    assert not shapes(model, keras.layers.BatchNormalization)


def test_the_registry_counts_its_weights_and_knows_its_sizes():
    spec = get_backbone("tcdcn")
    assert TCDCN((*spec.usual_size, 3)).count_params() == spec.parameters
    height, width = spec.minimum_size
    assert TCDCN((height, width, 3)).get_layer("conv_4").output.shape == (None, 1, 1, 64)
    with pytest.raises(ValueError, match="TCDCN needs images of at least 32 x 32 pixels"):
        create_backbone("tcdcn", (height - 1, width, 3))


def test_abs_tanh_is_the_absolute_value_of_the_hyperbolic_tangent(rng, settle):
    images = rng.normal(size=(4, 40, 40, 1)).astype("float32")
    model = settle(TCDCN((40, 40, 1), activation="abs_tanh", batch_normalization=False), images)
    before, after = (
        keras.Model(model.input, model.get_layer(name).output)(images).numpy() for name in ("conv_1", "conv_1_abs_tanh")
    )
    assert (before < -0.1).any()
    assert (before > 0.1).any()
    np.testing.assert_allclose(after, np.abs(np.tanh(before)), atol=1e-6)


@pytest.mark.parametrize("arguments", [{}, {"activation": "abs_tanh"}, {"batch_normalization": False}, {"width": 0.5}])
@pytest.mark.parametrize("shape", [(40, 40, 1), (33, 50, 3)])
def test_every_variant_survives_an_h5_file(arguments, shape, rng, tmp_path):
    model = mtl.TCDCN(HEADS, shape, **arguments)
    images = rng.integers(0, 256, (2, *shape)).astype("uint8")
    mtl.export(model, tmp_path / "model.h5")
    plain, answers = keras.models.load_model(tmp_path / "model.h5"), model(images, training=False)
    for name, answer in plain(images, training=False).items():
        np.testing.assert_allclose(answer, answers[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [0.25, 0.5, 2.0])
def test_width_scales_filters_and_features(width):
    model = TCDCN((40, 40, 3), width=width)
    assert [shape[-1] for shape in shapes(model, keras.layers.Conv2D)] == [width * n for n in (16, 48, 64, 64)]
    assert model.output_shape == (None, 100 * width)


# === The builder ===


def test_it_just_works():
    model = mtl.TCDCN(HEADS)
    assert model.name == "tcdcn_multitask"
    assert model.input_shape == (None, 40, 40, 3)
    assert mtl.build("TCDCN", HEADS).count_params() == model.count_params()


@pytest.mark.long
def test_it_learns_from_gray_images(rng):
    """A bright square, whose place and size have to be told."""
    corners, sizes = rng.integers(4, 16, (48, 2)), rng.choice([8, 16], 48)
    images = rng.integers(0, 60, (48, 40, 40, 1)).astype("uint8")
    for image, (top, left), size in zip(images, corners, sizes):
        image[top : top + size, left : left + size] = 220
    labels = {"corner": corners.astype("float32"), "large": (sizes == 16).astype("int32")}
    heads = {"corner": mtl.RegressionHead(units=2, mean=10.0, scale=4.0), "large": mtl.BinaryHead()}
    model = mtl.TCDCN(heads, (40, 40, 1), dropout=0.0)
    model.compile(keras.optimizers.Adam(5e-3))
    history = model.fit(images, labels, batch_size=12, epochs=12, verbose=0).history
    assert history["large_accuracy"][-1] > 0.9
    assert history["corner_loss"][-1] < 0.3 * history["corner_loss"][0]


def test_layers_can_be_named_for_cutting_and_freezing():
    model = mtl.TCDCN(HEADS, feature_layer="pool_3")
    assert model.backbone.output_shape == (None, 3, 3, 64)
    model = mtl.TCDCN(HEADS)
    model.set_trainable(["conv_4", "dense"])
    trained = {layer.name for layer in model.backbone.layers if layer.trainable_weights}
    assert trained == {"conv_4", "conv_4_bn", "dense", "dense_bn"}


def test_weights_of_its_own_come_from_a_file(tmp_path):
    source = TCDCN((40, 40, 3))
    source.save_weights(tmp_path / "faces.weights.h5")
    backbone, mode = create_backbone("tcdcn", (40, 40, 3), weights=tmp_path / "faces.weights.h5")
    assert mode == "tf"
    for weight, expected in zip(backbone.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_automatic_weights_are_imagenets_where_there_are_such(monkeypatch):
    asked = []
    monkeypatch.setattr("mtlzoo.backbones.creation._with_imagenet", lambda spec, *_: asked.append(spec.name) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mtl.build("mobilenet", HEADS, (32, 32, 3))
    mtl.build("tcdcn", HEADS)
    mtl.build("mobilenet", HEADS, (32, 32, 3), weights=None, alpha=0.25)
    assert asked == ["MobileNet"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"weights": "imagenet"}, ValueError, r"no ImageNet weights for TCDCN.*weights=None.*path of a file.*another"),
        ({"input_shape": (None, None, 1)}, ValueError, r"height and the width.*input_shape=\(40, 40, 1\)"),
        ({"activation": "abs"}, ValueError, "\"abs_tanh\" or the name of an activation of Keras.*received: 'abs'"),
        ({"activation": 3}, ValueError, "received: 3"),
        ({"width": 0}, ValueError, "at least, such as 0.5, received: 0"),
        ({"alpha": 0.5}, TypeError, "TCDCN has no argument alpha. It accepts: activation, batch_normalization, width"),
        ({"include_top": False}, TypeError, "TCDCN has no argument include_top"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        create_backbone("tcdcn", **{"input_shape": (40, 40, 3), **arguments})
