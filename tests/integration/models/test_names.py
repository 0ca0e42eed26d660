"""Heads are called what columns are called, in labels, logs and files, whatever their layers are called."""

from __future__ import annotations

import csv

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError, InputError
from mtlzoo.heads import get_heads
from mtlzoo.models.head_layers import output_layer

NAMES = [
    "Pleural Effusion",
    "größe",
    "x (cm)",
    "日本",
    "_x",
    "a:b",
    "it's",
    "loss",
    "score",
    "a/b",
    "a.b",
    " a ",
    "a" * 300,
    "ä" * 300,
    "images",
    "pooling",
    "dropout",
    "tiny",
    "val_x",
    "-1",
    "self",
    "\N{GRINNING FACE}",
    '"',
    "%s{}",
]


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (4, 16, 16, 3)).astype("uint8")


@pytest.fixture
def make(tiny_backbone):
    def build(names, **arguments):
        kinds = (mtl.BinaryHead(), mtl.ClassificationHead(3, hidden=[4]), mtl.RegressionHead())
        heads = {name: kinds[index % 3] for index, name in enumerate(names)}
        return mtl.build(tiny_backbone, heads, (16, 16, 3), None, **arguments)

    return build


def same(first, second, tolerance=1e-6):
    assert set(first) == set(second)
    for name in first:
        np.testing.assert_allclose(np.asarray(second[name]), np.asarray(first[name]), atol=tolerance, rtol=tolerance)


def test_names_are_the_keys_of_labels_logs_and_outputs_in_a_compiled_step(make, images, tmp_path):
    model = make(NAMES)
    model.compile("sgd", balancing="uncertainty")
    labels = {name: np.array([0, 1, 0, 1]) for name in NAMES}
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = model.fit(images, labels, validation_data=(images, labels), callbacks=[log], verbose=0).history
    for name in NAMES:
        assert f"{name}_loss" in history
        assert f"val_{name}_loss" in history
    with open(tmp_path / "log.csv", encoding="utf-8", newline="") as file:
        assert set(next(csv.reader(file))) == {"epoch", *history}
    assert list(model.predict(images, verbose=0)) == NAMES
    assert next(iter(mtl.predict(model, images).columns)) == NAMES[0]


@pytest.mark.long
def test_every_export_carries_the_names(make, images, tmp_path):
    import tensorflow as tf

    model = make(NAMES)
    expected = model.predict(images, verbose=0)
    for suffix in (".h5", ".keras"):
        path = mtl.export(model, tmp_path / f"model{suffix}")
        same(expected, keras.models.load_model(path)(images, training=False))
        again = mtl.load_model(path)
        assert list(again.heads) == NAMES
        again.compile("sgd", run_eagerly=True)  # how names fare in a compiled step is tested above
        again.fit(images, {"Pleural Effusion": np.array([0, 1, 0, 1])}, verbose=0)
    served = tf.saved_model.load(mtl.export(model, tmp_path / "folder")).signatures["serving_default"]
    (images_name,) = served.structured_input_signature[1]
    same(expected, served(**{images_name: tf.constant(images, "float32")}), 1e-4)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert_carries_the_names(make, images, tmp_path):
    import tensorflow as tf

    model = make(NAMES)
    path = mtl.export(model, tmp_path / "model.tflite")
    runner = tf.lite.Interpreter(str(path)).get_signature_runner()
    (images_name,) = runner.get_input_details()
    same(model.predict(images, verbose=0), runner(**{images_name: images.astype("float32")}), 1e-3)


def test_onnx_carries_the_names(make, images, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model = make(NAMES)
    session = onnxruntime.InferenceSession(str(mtl.export(model, tmp_path / "model.onnx")))
    names = [output.name for output in session.get_outputs()]
    source = session.get_inputs()[0].name
    answers = dict(zip(names, session.run(names, {source: images.astype("float32")})))
    same(model.predict(images, verbose=0), answers, 1e-3)


def test_layers_keep_safe_names_and_get_the_same_safe_ones_in_every_model(make):
    first, second = make(["coat_length", "größe", "Größe", "a"]), make(["größe", "x", "coat_length"])
    assert first.get_layer("coat_length").units == 1
    named = [[layer.name for layer in model.layers] for model in (first, second)]
    assert len(set(named[0])) == len(named[0])
    assert all(name.isascii() for name in named[0] + named[1])
    assert output_layer(first, "größe").name == output_layer(second, "größe").name
    assert output_layer(first, "größe").name != output_layer(first, "Größe").name


def test_names_that_differ_by_case_or_by_what_is_folded_away_are_different_heads(make, images):
    names = ["A", "a", "é", "e", "e\N{COMBINING ACUTE ACCENT}", "a b", "a-b", "a_b", "A B"]
    model = make(names)
    model.compile("sgd")
    model.fit(images, {name: np.array([0, 1, 0, 1]) for name in names}, verbose=0)
    assert list(model.predict(images, verbose=0)) == names


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\ud800", None, 3])
def test_what_no_file_and_no_log_can_carry_is_refused_in_one_line_when_the_model_is_built(make, name):
    with pytest.raises(HeadError) as error:
        make([name])
    assert len(str(error.value).splitlines()) == 1


class Odd(mtl.BinaryHead):
    """A head with a metric whose name is the rest of another head's."""

    def metrics(self):
        return [keras.metrics.BinaryAccuracy(name="b_loss")]


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ({"val": 3}, "no head 'val'"),
        ({"age": 3, "val_age": 3}, "'val_age' beside 'age'"),
        ({"a": Odd(), "a_b": 3}, "'a' and 'a_b', which would both log a_b_loss"),
        ({"val_a_b": 3, "a": Odd()}, "'a' and 'val_a_b', which would both log val_a_b_loss"),
    ],
)
def test_heads_that_would_log_under_one_name_are_refused_and_both_are_named(heads, message):
    with pytest.raises(HeadError, match=message):
        get_heads(heads)


def test_heads_that_log_under_different_names_are_not_refused():
    for names in (["x", "x_loss"], ["coat", "coat_length"], ["loss", "loss_loss"], ["val_x", "x_y"]):
        assert list(get_heads(dict.fromkeys(names, 3))) == names


def test_callbacks_monitor_a_head_whose_name_looks_like_a_validation_figure(make, images):
    model = make(["val_x"])
    model.compile(run_eagerly=True)
    stopping = keras.callbacks.EarlyStopping("val_val_x_accuracy", mode="auto")
    checkpoint = keras.callbacks.EarlyStopping("val_x_accuracy", mode="auto")
    labels = {"val_x": np.array([0, 1, 0, 1])}
    model.fit(images, labels, validation_data=(images, labels), callbacks=[stopping, checkpoint], verbose=0)


def test_learned_numbers_reach_the_layer_whatever_it_is_called(make, images):
    model = make(["x", "y", "größe (cm)"])
    model.adapt({"größe (cm)": np.array([[100.0], [200.0]])})
    assert 50 < model.predict(images, verbose=0)["größe (cm)"].mean() < 250


def test_heads_train_on_cached_features_whatever_they_are_called(tmp_path, tiny_backbone, rng):
    import cv2
    import pandas as pd

    for index in range(4):
        cv2.imwrite(str(tmp_path / f"{index}.png"), rng.integers(0, 256, (16, 16, 3)).astype("uint8"))
    frame = pd.DataFrame({"image": [str(tmp_path / f"{index}.png") for index in range(4)], "x (cm)": list("abab")})
    frame.to_csv(tmp_path / "labels.csv", index=False)
    table = mtl.data.read_csv(tmp_path / "labels.csv")
    for names in (["x (cm)"], ["x (cm)", "tiny"]):
        model = mtl.build(tiny_backbone, {name: mtl.BinaryHead(["a", "b"]) for name in names}, (16, 16, 3))
        features = model.split().trunk.output.shape
        assert len(features) == 2
    model = mtl.build(tiny_backbone, table.heads, (16, 16, 3))
    history = mtl.fit(model, table, stages=[mtl.Stage(2, 1e-3, "heads")], augment=None, verbose=False).history
    assert len(history["x (cm)_loss"]) == 2


# === Models, backbones and their layers ===


@pytest.mark.parametrize("name", ["größe", "x (cm)", "日本", "_x", "a/b", "a b", " ", "a\nb", "%d", "x" * 1001])
def test_a_model_that_cannot_be_called_so_is_refused_when_it_is_built(make, name):
    with pytest.raises(InputError, match="a model's name of ASCII letters") as caught:
        make(["a"], name=name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    with pytest.raises(InputError, match="a model's name"):
        make(["a"]).with_heads({"a": 2}, name=name)


@pytest.mark.parametrize(
    "name", ["größe", "x (cm)", "_x", "images", "images_in", "pooling", "dropout", "preprocessing"]
)
def test_a_backbone_is_taken_whatever_it_is_called(tmp_path, images, name):
    pixels = keras.Input((16, 16, 3))
    own = keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels), name=name)
    model = mtl.build(own, {"a": mtl.BinaryHead()}, preprocessing="tf")
    model.compile("sgd")
    model.fit(images, {"a": np.array([0, 1, 0, 1])}, verbose=0)
    more = mtl.build(model.backbone, {"b": 2}).with_heads({"c": 2})
    assert output_layer(more, "c").input.shape == (None, 4)
    mtl.export(model, tmp_path / "model.h5")
    same(mtl.load_model(tmp_path / "model.h5")(images, training=False), model(images, training=False))


@pytest.mark.parametrize("name", ["größe", "x:y", "a b"])
def test_layers_of_a_backbone_that_no_step_can_carry_are_refused(name):
    pixels = keras.Input((16, 16, 3))
    own = keras.Model(pixels, keras.layers.Conv2D(4, 3, name=name)(pixels), name="own")
    with pytest.raises(InputError, match=f"layers of 'own'.*received: '{name}'; rename it"):
        mtl.build(own, {"a": 2})
