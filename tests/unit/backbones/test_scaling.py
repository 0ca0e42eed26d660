"""Scalings of pixels that are none of the usual ones."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from mtlzoo.backbones import Backbone, Scaling, preprocess
from mtlzoo.backbones.scaling import parse_preprocessing


def test_numbers_for_all_channels_or_for_each():
    assert Scaling([0.5], None) == Scaling(0.5, 0.0)
    assert Scaling(np.array([1, 2, 3])) == Scaling((1.0, 2.0, 3.0))
    assert Scaling((1, 2, 3), 4).for_channels(1) == (2.0, 4.0)
    with pytest.raises(ValueError, match=r"Expected images of 3 channels, or of one.*received: 4 channels"):
        Scaling((1, 2, 3)).for_channels(4)
    for wrong in ("a", [[1, 2]], [], float("nan")):
        with pytest.raises(ValueError, match="Expected one number, or one for each channel"):
            Scaling(wrong)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_in_the_graph(channels):
    scaling = Scaling((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    images = keras.Input((2, 2, channels), dtype="uint8")
    model = keras.Model(images, preprocess(images, scaling))
    pixels = np.full((1, 2, 2, channels), 10, "uint8")
    expected = [2 + 2.0] if channels == 1 else [1 + 1.0, 2 + 2.0, 3 + 3.0]
    np.testing.assert_allclose(model(pixels)[0, 0, 0], expected, rtol=1e-6)


def test_what_users_may_say():
    converter = SimpleNamespace(scale=[1 / 255] * 3, offset=None, image_size=(8, 8))
    assert parse_preprocessing("tf") == "tf"
    assert parse_preprocessing(converter) == Scaling((1 / 255,) * 3, 0.0)
    assert parse_preprocessing(SimpleNamespace(scale=None, offset=None)) == "none"
    assert parse_preprocessing({"scale": 2, "offset": 1}) == Scaling(2, 1)
    with pytest.raises(ValueError, match=r"one of the modes .*, an mtl.backbones.Scaling, .*received: 'tff'"):
        parse_preprocessing("tff")


def test_a_backbone_keeps_it():
    images = keras.Input((4, 4, 3))
    backbone = Backbone(images, keras.layers.Conv2D(2, 3)(images), preprocessing=Scaling(0.5, (1, 2, 3)))
    again = Backbone.from_config(backbone.get_config())
    assert again.preprocessing == backbone.preprocessing == Scaling(0.5, (1.0, 2.0, 3.0))
