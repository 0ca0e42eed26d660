"""Label smoothing for a whole model, which belongs to its training and not to its heads."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl

HEADS = {
    "length": mtl.ClassificationHead(["short", "knee", "long"]),
    "own": mtl.ClassificationHead(["a", "b"], label_smoothing=0.3),
    "kids": mtl.BinaryHead(),
    "tags": mtl.MultiLabelHead(["x", "y"]),
    "level": mtl.OrdinalHead(["low", "high"]),
    "age": mtl.RegressionHead(),
}
LABELS = {
    "length": np.array([0, -1, 2]),
    "own": np.array([1, 0, -1]),
    "kids": np.array([1, 0, 1]),
    "tags": np.array([[1, 0], [0, 0], [-1, 1]]),
    "level": np.array([0, 1, -1]),
    "age": np.array([1.0, 2.0, np.nan]),
}


def small_model(heads):
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3, name="convolution")(images), name="small")
    return mtl.build(backbone, heads, (8, 8, 3), weights=None)


def losses(model):
    images = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 3)).astype("float32")
    logs = model.evaluate(images, LABELS, return_dict=True, verbose=0)
    return {name: logs[f"{name}_loss"] for name in HEADS}


def test_is_that_of_softmax_heads_which_have_none_of_their_own():
    model = small_model(HEADS)
    model.compile(label_smoothing=0.1)
    asked = {
        **HEADS,
        "length": mtl.ClassificationHead(["short", "knee", "long"], label_smoothing=0.1),
    }
    by_hand = small_model(asked)
    by_hand.compile()
    plain = small_model(HEADS)
    plain.compile()
    found, expected, without = losses(model), losses(by_hand), losses(plain)
    assert found == pytest.approx(expected, rel=1e-6)
    assert {name for name in HEADS if found[name] != without[name]} == {"length"}
    assert all(model.heads[name] == head for name, head in HEADS.items())


def test_stays_when_heads_learn_from_labels():
    model = small_model({"length": mtl.ClassificationHead(["short", "knee", "long"], class_weight="balanced")})
    model.adapt({"length": np.array([0, 1, 2])})
    model.compile(label_smoothing=0.2)
    model.adapt({"length": np.array([0, 0, 1, 2])})
    images = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 3)).astype("float32")
    loss = model.evaluate(images, {"length": LABELS["length"]}, return_dict=True, verbose=0)["loss"]
    model.compile(label_smoothing=0.2)
    again = model.evaluate(images, {"length": LABELS["length"]}, return_dict=True, verbose=0)["loss"]
    model.compile()
    plain = model.evaluate(images, {"length": LABELS["length"]}, return_dict=True, verbose=0)["loss"]
    assert loss == again != plain


def test_is_known_to_a_file_of_the_model(tmp_path):
    model = small_model({"kids": mtl.BinaryHead()})
    model.compile(label_smoothing=0.2)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").label_smoothing == 0.2


def test_is_refused_out_of_its_range():
    model = small_model({"kids": mtl.BinaryHead()})
    with pytest.raises(ValueError, match=r"`label_smoothing` in \[0, 1\), received: 1.5"):
        model.compile(label_smoothing=1.5)
