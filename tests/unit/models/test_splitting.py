from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.models.splitting import split

CASES = {
    "pooled features": ({"a": 3, "b": 2}, (None, 16)),
    "a feature map": ({"a": 3, "points": mtl.LandmarkHead(["left", "right"])}, (None, 4, 4, 16)),
    "an only head": ({"a": mtl.ClassificationHead(3, hidden=[4])}, (None, 16)),
}


@pytest.mark.parametrize(("heads", "shape"), CASES.values(), ids=CASES)
def test_trunk_and_heads_are_the_model(tiny_backbone, rng, heads, shape):
    model = mtl.build(tiny_backbone, heads, (32, 32, 3), weights=None)
    parts = split(model)
    assert parts.trunk.output.shape == shape
    images = rng.integers(0, 256, (3, 32, 32, 3)).astype("float32")
    expected, received = model(images), parts.heads(parts.trunk(images))
    assert list(received) == list(heads)
    for name in heads:
        np.testing.assert_array_equal(received[name], expected[name])
    assert {id(weight) for part in (parts.trunk, parts.heads) for weight in part.weights} == set(map(id, model.weights))


def test_dropout_is_left_to_the_heads(tiny_backbone):
    parts = split(mtl.build(tiny_backbone, {"a": 3, "b": 2}, (32, 32, 3), weights=None, dropout=0.5))
    assert "dropout" not in [layer.name for layer in parts.trunk.layers]
    assert "dropout" in [layer.name for layer in parts.heads.layers]


def test_a_network_of_heads_has_no_trunk():
    features = keras.Input((5,))
    heads = mtl.heads.get_heads({"a": 2, "b": 3})
    model = mtl.MultiTaskModel(
        features, {name: head.build_layers(features, name) for name, head in heads.items()}, heads=heads
    )
    parts = split(model)
    assert not parts.trunk.weights
    assert len(parts.heads.weights) == 4


@pytest.mark.slow
def test_the_model_exports_as_before(tiny_backbone, tmp_path, rng):
    model = mtl.build(tiny_backbone, {"a": 3, "b": 2}, (32, 32, 3), weights=None)
    split(model)
    images = rng.integers(0, 256, (3, 32, 32, 3)).astype("float32")
    mtl.export(model, tmp_path / "model.h5")
    again = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(again(images)["a"], model(images)["a"])
