"""A backbone with several feature layers, in all that is done with a model."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo as mtl
from mtlzoo.models.attention import attention_maps
from mtlzoo.models.resizing import at_size
from mtlzoo.models.splitting import split

LEVELS = ["fine", "middle", "coarse"]
HEADS = {
    "kind": mtl.ClassificationHead(["a", "b", "c"]),
    "button": mtl.BinaryHead(pooling="attention"),
    "points": mtl.LandmarkHead(["left", "right"]),
    "things": mtl.DetectionHead(["thing"]),
}


def build(size: int = 32, heads=HEADS, **settings) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    x = images = keras.Input((size, size, 3))
    for name, channels in zip(LEVELS, (4, 6, 8)):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu", name=name)(x)
    return mtl.build(keras.Model(images, x, name="small"), heads, preprocessing="tf", feature_layers=LEVELS, **settings)


@pytest.fixture
def batch(rng):
    return rng.integers(0, 256, (3, 32, 32, 3)).astype("uint8")


def test_the_mean_over_positions_is_that_of_each_level(batch):
    model = build(heads={"kind": 3}, dropout=0.0)
    x, means = batch / 127.5 - 1, []
    for name in LEVELS:
        x = np.asarray(model.backbone.get_layer(name)(x))
        means.append(x.mean(axis=(1, 2)))
    expected = model.get_layer("kind")(np.concatenate(means, axis=-1))
    np.testing.assert_allclose(model(batch)["kind"], expected, rtol=1e-4, atol=1e-6)


def test_heads_with_positions_and_heads_that_look_have_the_finest_grid(batch):
    model = build()
    assert model.heads["things"].grid == [16, 16]
    assert attention_maps(model, batch)["button"].shape == (3, 16, 16)
    for name in HEADS:
        assert mtl.evaluation.gradcam(model, batch, name).shape == (3, 16, 16)
    parts = split(model)
    assert parts.trunk.output.shape == (None, 16, 16, 18)
    for name, answer in parts.heads(parts.trunk(batch)).items():
        np.testing.assert_allclose(answer, model(batch)[name], rtol=1e-5, atol=1e-6)


def test_levels_train_and_freeze_as_any_backbone(batch):
    model = build(heads={"kind": 3, "other": 2})
    labels = {"kind": np.array([0, 1, -1]), "other": np.array([1, -1, 0])}
    before = model.backbone.get_weights()
    for part, moved in (("heads", 0), (["middle"], 2), ("all", 6)):
        model.backbone.set_weights(before)
        model.set_trainable(part)
        model.compile("sgd", run_eagerly=True)
        model.fit(batch, labels, verbose=0)
        assert sum(np.any(old != new) for old, new in zip(before, model.backbone.get_weights())) == moved


def test_other_heads_get_the_levels_too(batch):
    model = build(heads={"kind": 3})
    more = model.with_heads({**model.heads, "box": mtl.BoxHead()})
    np.testing.assert_array_equal(more(batch)["kind"], model(batch)["kind"])
    with pytest.raises(ValueError, match=r"heads and a name alone, .* received also: feature_layers"):
        mtl.build(model, {"kind": 3}, feature_layers=LEVELS)
    assert mtl.build(model, {"kind": 3}, feature_layers=None).backbone.output_shape == (None, 16, 16, 18)


def test_other_sizes_share_the_layers_where_the_maps_fit_each_other(batch):
    model = build(heads={"kind": 3})
    small = at_size(model, (16, 24))
    assert small.backbone.output_shape == (None, 8, 12, 18)
    assert small(batch[:, :16, :24])["kind"].shape == (3, 3)
    with pytest.raises(ValueError, match="takes images of 36 x 36 pixels too, but"):
        at_size(model, (36, 36))
    with pytest.raises(ValueError, match="takes images of 32 x 32 pixels too, but"):
        at_size(build(36, {"kind": 3}), (32, 32))


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("size", [32, 36])  # maps of 16, 8 and 4, and of 18, 9 and 5
def test_files_hold_levels(rng, tmp_path, size):
    import tensorflow as tf

    model, batch = build(size), rng.integers(0, 256, (1, size, size, 3)).astype("uint8")
    expected = {name: np.asarray(answer) for name, answer in model(batch).items()}
    for suffix in (".h5", ".keras"):
        again = mtl.load_model(mtl.export(model, tmp_path / f"model{suffix}"))
        assert again.heads == model.heads
        for name, answer in again(batch).items():
            np.testing.assert_array_equal(answer, expected[name])
    plain = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(plain(batch)["kind"], expected["kind"])
    if size == 32:
        return  # the other has all kinds of layers
    mtl.export(model, tmp_path / "model.tflite")
    runner = tf.lite.Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    for name, answer in runner(images=batch.astype("float32")).items():
        np.testing.assert_allclose(answer, expected[name], rtol=1e-3, atol=1e-5)


def test_onnx_holds_levels(rng, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    # 18 / 5 is a little less as float32 of ONNX' scales, with which 5 would become 17.
    model, batch = build(36), rng.integers(0, 256, (1, 36, 36, 3)).astype("uint8")
    session = onnxruntime.InferenceSession(str(mtl.export(model, tmp_path / "model.onnx")))
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {session.get_inputs()[0].name: batch.astype("float32")})))
    for name, answer in model(batch).items():
        np.testing.assert_allclose(found[name], answer, rtol=1e-3, atol=1e-5)
