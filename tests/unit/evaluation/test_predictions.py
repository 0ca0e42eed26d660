"""Predictions from known outputs: read in every way without a network, and never changed."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.evaluation import Predictions, evaluate, evaluate_groups, predict
from mtlzoo.heads import BinaryHead, ClassificationHead, LandmarkHead, MultiLabelHead, RegressionHead
from mtlzoo.images.geometry import ImageGeometry

HEADS = {
    "size": ClassificationHead(["s", "m", "l"]),
    "kids": BinaryHead(),
    "tags": MultiLabelHead(["a", "b"]),
    "price": RegressionHead(),
    "nose": LandmarkHead(1, format="xy"),
}
ROWS = 12


@pytest.fixture
def table(rng) -> LabelTable:
    frame = pd.DataFrame(
        {
            "image": [f"{row}.jpg" for row in range(ROWS)],
            "size": rng.choice(["s", "m", "l"], ROWS),
            "kids": ["no", "yes", None] * (ROWS // 3),
            "tags": ["a", "b", "a;b", "none"] * (ROWS // 4),
            "price": rng.normal(10, 4, ROWS),
            "nose": pd.Series(rng.uniform(2, 18, (ROWS, 1, 2)).tolist(), dtype=object),
            "camera": ["z5", "a7"] * (ROWS // 2),
        }
    )
    return LabelTable(frame, HEADS, source="labels.csv")


@pytest.fixture
def outputs(rng) -> dict[str, np.ndarray]:
    arrays = {
        "size": rng.dirichlet([1, 1, 1], ROWS),
        "kids": rng.random((ROWS, 1)),
        "tags": rng.random((ROWS, 2)),
        "price": rng.normal(10, 4, (ROWS, 1)),
        "nose": rng.random((ROWS, 1, 2)),
    }
    return {name: array.astype("float32") for name, array in arrays.items()}


@pytest.fixture
def geometry() -> ImageGeometry:
    return ImageGeometry.whole([(20, 40)] * ROWS, (8, 8))


@pytest.fixture
def predictions(outputs, geometry, table) -> Predictions:
    return Predictions(outputs, HEADS, geometry, table=table)


# === Reading ===


def test_a_frame_has_a_column_for_each_head_in_their_order(predictions, outputs):
    frame = predictions.to_frame()
    probable = ["size", "size_probability", "kids", "kids_probability", "tags"]
    assert [name for name in frame if not name.startswith(("price", "nose", "tags_"))] == ["image", *probable]
    assert frame["image"].tolist() == [f"{row}.jpg" for row in range(ROWS)]
    assert frame["size"].tolist() == [HEADS["size"].names[place] for place in outputs["size"].argmax(axis=1)]
    np.testing.assert_array_equal(frame["size_probability"], outputs["size"].max(axis=1))
    np.testing.assert_array_equal(frame["price"], outputs["price"][:, 0])


def test_all_outputs_can_be_columns(predictions, outputs):
    frame = predictions.to_frame(probabilities=True)
    added = ["size:s", "size:m", "size:l", "kids:yes", "tags:a", "tags:b", "price:0"]
    assert [name for name in frame if ":" in name and not name.startswith("nose")] == added
    np.testing.assert_array_equal(frame[added[:3]], outputs["size"])
    pd.testing.assert_frame_equal(frame[[name for name in frame if ":" not in name]], predictions.to_frame())


def test_images_without_names_have_no_column(outputs):
    assert list(Predictions({"price": outputs["price"]}, {"price": HEADS["price"]}).to_frame()) == ["price"]


def test_places_are_those_of_the_image_as_soon_as_the_geometry_is_known(predictions, outputs):
    pixels = predictions.details()["nose"]["predictions"]
    np.testing.assert_allclose(pixels, outputs["nose"] * [40, 20] - 0.5, rtol=1e-5)
    np.testing.assert_allclose(np.reshape(predictions.to_frame()["nose"].tolist(), pixels.shape), pixels, rtol=1e-5)
    unplaced = Predictions({"nose": outputs["nose"]}, {"nose": HEADS["nose"]})
    np.testing.assert_array_equal(unplaced.details()["nose"]["predictions"], outputs["nose"])


def test_details_are_those_of_the_heads(predictions, outputs):
    details = predictions.details()
    assert list(details) == list(HEADS)
    for name in ("size", "kids", "tags", "price"):
        for key, array in HEADS[name].details(outputs[name]).items():
            assert np.array_equal(details[name][key], array)


# === Metrics ===


def test_the_labels_are_those_of_its_own_table_or_of_another(predictions, outputs, geometry, table):
    report = predictions.evaluate()
    assert list(report.index) == [*HEADS, "mean", "weighted mean"]
    labels = table.labels()
    for name in ("size", "kids", "tags", "price"):
        metrics = HEADS[name].evaluate(labels[name], outputs[name])
        assert report.loc[name, list(metrics)].to_dict() == pytest.approx(metrics)
    unlabelled = Predictions(outputs, HEADS, geometry)
    pd.testing.assert_frame_equal(unlabelled.evaluate(table), report)
    pd.testing.assert_frame_equal(unlabelled.evaluate(table.with_heads({})), report)
    pd.testing.assert_frame_equal(unlabelled.evaluate(table.frame), report)


def test_the_functions_give_what_the_object_gives(predictions, outputs, geometry, table):
    model = SimpleNamespace(heads=HEADS)
    report = evaluate(model, table, predictions=outputs, geometry=geometry)
    pd.testing.assert_frame_equal(predictions.evaluate(), report)
    groups = evaluate_groups(model, table, ["camera", "kids"], predictions=outputs, geometry=geometry, cross=True)
    pd.testing.assert_frame_equal(predictions.groups(["camera", "kids"], cross=True), groups)


def test_the_network_runs_once_for_all_of_it(outputs, table):
    heads = {name: HEADS[name] for name in ("size", "kids")}
    batches = []

    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        batches.append(batch)
        return {name: outputs[name] for name in ("kids", "size")}

    model = SimpleNamespace(heads=heads, input_shape=(None, 8, 8, 3), resize="stretch", predict_on_batch=run)
    images = np.full((ROWS, 8, 8, 3), 200, np.uint8)
    predictions = Predictions.from_model(model, images)
    assert list(predictions.outputs) == ["size", "kids"]
    assert predictions.evaluate(table).loc["size", "labelled"] == ROWS
    assert len(predictions.groups("camera", table)) == 6
    assert predictions.details()["kids"]["classes"].tolist() == predictions.to_frame()["kids"].tolist()
    assert len(batches) == 1
    pd.testing.assert_frame_equal(predict(model, images), predictions.to_frame())


# === Rows ===


@pytest.mark.parametrize(
    "rows",
    [[3, 1, 1], slice(2, 9, 3), np.arange(ROWS) % 3 == 0, [True] + [False] * (ROWS - 1), range(4), [-1], []],
    ids=str,
)
def test_some_rows_are_read_as_all_of_them_are(predictions, rows):
    chosen = np.arange(ROWS)[rows if isinstance(rows, slice) else list(rows)]
    taken = predictions.take(rows)
    assert len(taken) == len(chosen)
    assert taken.names == tuple(predictions.names[row] for row in chosen)
    expected = predictions.to_frame(probabilities=True).iloc[chosen].reset_index(drop=True)
    check_dtype = len(chosen) > 0  # pandas guesses those of texts and lists from their values
    pd.testing.assert_frame_equal(taken.to_frame(probabilities=True), expected, check_dtype=check_dtype)
    if len(chosen):
        assert taken.evaluate().loc["size", "labelled"] == len(chosen)


def test_names_that_a_model_only_counts_are_those_of_other_heads(outputs):
    counted = Predictions(
        {"size": outputs["size"], "kids": outputs["kids"]}, {"size": ClassificationHead(3), "kids": BinaryHead()}
    )
    named = counted.with_heads({"size": HEADS["size"]})
    assert list(named.to_frame()) == ["size", "size_probability"]
    assert [int(name) for name in counted.to_frame()["size"]] == [
        HEADS["size"].names.index(n) for n in named.to_frame()["size"]
    ]
    with pytest.raises(KeyError):
        counted.with_heads({"age": RegressionHead()})


def test_nothing_can_be_changed(predictions, outputs):
    with pytest.raises(FrozenInstanceError):
        predictions.names = None
    with pytest.raises(TypeError):
        predictions.outputs["size"] = outputs["size"]
    with pytest.raises(ValueError, match="read-only"):
        predictions.outputs["size"][:] = 0
    assert outputs["size"].flags.writeable
    kept = predictions.outputs["size"]
    outputs["size"] = np.zeros((ROWS, 3))
    assert predictions.outputs["size"] is kept


def test_they_survive_being_pickled(predictions):
    again = pickle.loads(pickle.dumps(predictions))
    pd.testing.assert_frame_equal(again.to_frame(), predictions.to_frame())
    pd.testing.assert_frame_equal(again.evaluate(), predictions.evaluate())


def test_they_say_what_they_are(predictions):
    assert repr(predictions) == "Predictions(12 rows, heads: size, kids, tags, price, nose)"


# === Refusals ===


def test_rows_and_heads_that_do_not_fit(outputs, geometry, table):
    two = {name: HEADS[name] for name in ("size", "kids")}
    with pytest.raises(ValueError, match="Expected outputs for the heads size, kids, received: size"):
        Predictions({"size": outputs["size"]}, two)
    with pytest.raises(ValueError, match=r"as many rows for every head, .* received: size 12, kids 11"):
        Predictions({"size": outputs["size"], "kids": outputs["kids"][1:]}, two)
    with pytest.raises(ValueError, match="received: size 12, kids 12, names 1, table 11"):
        Predictions({name: outputs[name] for name in two}, two, names=["a.jpg"], table=table.take(range(11)))


def test_labels_that_are_not_there_or_do_not_fit(outputs, table):
    predictions = Predictions({"size": outputs["size"]}, {"size": HEADS["size"]})
    with pytest.raises(ValueError, match="Expected a table with the labels of these rows, received: None"):
        predictions.evaluate()
    with pytest.raises(ValueError, match="Expected 11 predictions for 'size', received: 12"):
        predictions.evaluate(table.take(range(11)))
    with pytest.raises(TableError, match="no column for any of the heads size"):
        predictions.evaluate(table.frame[["image"]])
    with pytest.raises(TableError, match="no column 'lens' to group by"):
        predictions.groups("lens", table)
    unplaced = Predictions({"nose": outputs["nose"]}, {"nose": HEADS["nose"]})
    with pytest.raises(ValueError, match=r"Expected `geometry`, where the predictions of 'nose' lie in the images"):
        unplaced.evaluate(table)
