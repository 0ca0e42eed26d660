"""ImageNet weights that come with the package, without a network and at every size."""

from __future__ import annotations

import socket

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.backbones import bundled, create_backbone

FILE = bundled.FOLDER / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """An empty Keras home on a machine without a network."""

    def no_network(*_, **__):
        raise socket.gaierror("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def expected():
    """The weights as Keras reads them from the same file."""
    model = keras.applications.MobileNetV2(include_top=False, weights=str(FILE), input_shape=(224, 224, 3), alpha=0.35)
    return model.get_weights()


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(96, 96, 3), (100, 140, 3), (None, None, 3)], ids=str)
def test_imagenet_weights_need_no_network(shape, expected):
    backbone, mode = create_backbone("mobilenet_v2", shape, alpha=0.35)
    assert backbone.input_shape == (None, *shape)
    assert mode == "tf"
    assert_equal(backbone.get_weights(), expected)


@pytest.mark.slow
def test_builders_take_them(expected):
    model = mtl.MobileNetV2({"a": 2}, (64, 64, 3), weights="imagenet", alpha=0.35)
    assert_equal(model.backbone.get_weights(), expected)


@pytest.mark.slow
@pytest.mark.long
def test_what_keras_has_for_this_size_comes_first(home, expected):
    model = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(96, 96, 3), alpha=0.35)
    own = [weight * 0 + 1 for weight in expected]
    model.set_weights(own)
    model.save(home / "models" / FILE.name.replace("224", "96"))
    assert_equal(create_backbone("mobilenet_v2", (96, 96, 3), alpha=0.35)[0].get_weights(), own)
    assert_equal(create_backbone("mobilenet_v2", (128, 128, 3), alpha=0.35)[0].get_weights(), expected)


def test_other_widths_are_not_taken_for_it():
    assert bundled.bundled_weights("MobileNetV2", {"alpha": 0.35}) == FILE
    assert bundled.bundled_weights("MobileNetV2", {}) is None
    assert bundled.bundled_weights("MobileNetV2", {"alpha": 0.5}) is None
    assert bundled.bundled_weights("MobileNet", {"alpha": 0.35}) is None
