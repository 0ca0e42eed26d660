"""Networks with heads that are asked only where other heads have certain labels: built, trained, saved, extended."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import mtlzoo as mtl
from mtlzoo.errors import HeadError
from mtlzoo.models.labels import label_arrays

HEADS = {
    "length": mtl.ClassificationHead(["short", "long"], only_if={"garment": ["skirt"]}),
    "garment": mtl.ClassificationHead(["coat", "skirt"]),
}


def tiny(heads=HEADS) -> mtl.MultiTaskModel:
    images = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3, strides=2, name="only")(images)
    backbone = keras.Model(images, features, name="tiny")
    return mtl.build(backbone, heads, (8, 8, 3), weights=None, dropout=0.0, preprocessing="tf")


@pytest.fixture
def batch(rng):
    images = rng.integers(0, 256, (6, 8, 8, 3)).astype("float32")
    labels = {"garment": np.array([0, 1, -1, 0, 1, 1]), "length": np.array([1, 1, 0, 0, 0, -1])}
    return images, labels


def test_a_model_needs_the_parents_of_its_heads():
    with pytest.raises(HeadError, match="expected a head 'garment' beside it"):
        tiny({"length": HEADS["length"]})


@pytest.mark.parametrize("form", ["arrays", "one-hot", "generator"])
def test_labels_that_a_parent_rules_out_have_no_part_in_training(batch, form):
    images, labels = batch
    without = {**labels, "length": np.array([-1, 1, 0, -1, 0, -1])}
    losses = []
    for given in (labels, without):
        if form == "one-hot":
            given = {name: np.eye(3)[ids][:, :2] for name, ids in given.items()}  # -1 is a row of zeros
        keras.utils.set_random_seed(0)
        model = tiny()
        model.compile("sgd")
        if form == "generator":
            history = model.fit(iter([(images, given)] * 2), epochs=2, steps_per_epoch=1, verbose=0)
        else:
            history = model.fit(images, given, epochs=2, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("form", ["uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("columns", [False, True])
def test_arrays_of_any_form_lose_the_labels_that_are_ruled_out(form, columns):
    only = {"garment": "skirt"}
    heads = {
        **HEADS,
        "kids": mtl.BinaryHead(only_if=only),
        "size": mtl.RegressionHead(only_if=only),
        "age": mtl.ExpectationHead((0, 9), only_if=only),
    }
    labels = {
        "garment": [0, 1, 0, 1],
        "length": [1, 1, 0, 0],
        "kids": [1, 0, 0, 1],
        "size": [3, 4, 5, 6],
        "age": [1, 2, 3, 4],
    }
    given = {name: np.array(values, form) for name, values in labels.items()}
    given = {name: values[:, None] if columns else values for name, values in given.items()}
    targets, _ = label_arrays(heads, np.zeros((4, 8, 8, 3)), given)
    for name, values in targets.items():
        asked = [True] * 4 if name == "garment" else [False, True, False, True]
        assert heads[name].labelled(np.asarray(values)).tolist() == asked, name


def test_tables_are_trained_evaluated_and_predicted(tmp_path, rng):
    rows = []
    for row in range(24):
        kind = ["coat", "skirt"][row % 2]
        image = np.full((8, 8, 3), 220 if kind == "skirt" else 30, "uint8")
        keras.utils.save_img(tmp_path / f"{row}.png", image, scale=False)
        rows.append(
            {"image": f"{row}.png", "garment": kind, "length": ["short", "long"][row % 4 // 2] if row % 2 else None}
        )
    table = mtl.data.LabelTable(pd.DataFrame(rows), HEADS, root=tmp_path)
    model = tiny()
    mtl.fit(model, table, table, [mtl.Stage(10, 0.1)], recipe="fast", augment=None, verbose=False)
    frame = mtl.predict(model, table)
    assert ((frame["garment"] == "coat") == (frame["length"] == "not applicable")).all()
    report = mtl.evaluate(model, table)
    assert report.loc["length", "labelled"] == 12
    assert report.loc["length", "not_applicable_f1"] == report.loc["garment", "accuracy"] == 1.0


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_conditions_are_saved_with_the_model(tmp_path, batch, suffix):
    model = tiny()
    model.save(tmp_path / f"model{suffix}")
    loaded = mtl.load_model(tmp_path / f"model{suffix}")
    assert dict(loaded.heads) == HEADS
    pd.testing.assert_frame_equal(mtl.predict(loaded, batch[0]), mtl.predict(model, batch[0]))


def test_a_condition_can_be_added_to_a_trained_head(batch):
    plain = tiny({name: head.with_settings(only_if=None) for name, head in HEADS.items()})
    conditional = plain.with_heads(HEADS)
    before, after = (model.predict(batch[0], verbose=0) for model in (plain, conditional))
    np.testing.assert_array_equal(before["length"], after["length"])
    with pytest.raises(HeadError, match="expected a head 'garment' beside it"):
        plain.with_heads({"length": HEADS["length"]})
