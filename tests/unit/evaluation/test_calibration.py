"""Probabilities become worth what they say, in the model itself and in its files, and predictions stay what they are."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError
from mtlzoo.evaluation import Predictions, calibration_errors
from mtlzoo.evaluation.calibration import expected_calibration_error
from mtlzoo.heads.temperature import fit_temperature
from mtlzoo.models.temperatures import fold_temperature

ROWS = 300
HEADS = {
    "kind": mtl.ClassificationHead(["a", "b", "c"]),
    "kids": mtl.BinaryHead(["no", "yes"]),
    "tags": mtl.MultiLabelHead(["hood", "zip"]),
    "step": mtl.OrdinalHead(["low", "middle", "high"]),
    "size": mtl.RegressionHead(),
    "point": mtl.LandmarkHead(1, format="rel_xy"),
}


@pytest.fixture(scope="module")
def model() -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    images = keras.Input((4, 4, 3))
    features = keras.layers.Conv2D(6, 2, strides=2, activation="relu")(keras.layers.Rescaling(1 / 32, -4.0)(images))
    return mtl.build(keras.Model(images, features, name="tiny"), HEADS, (4, 4, 3), weights=None, dropout=0.0)


@pytest.fixture
def labelled(model, tmp_path, rng) -> mtl.data.LabelTable:
    """Rows whose labels are right as often as a third of the model's logits say: it is three times too sure."""
    import cv2

    names = [f"{row}.png" for row in range(ROWS)]
    for name in names:
        cv2.imwrite(str(tmp_path / name), rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    table = mtl.data.LabelTable(pd.DataFrame({"image": names}), {}, root=tmp_path)
    outputs = Predictions.from_model(model, table).outputs
    columns = {}
    for name in ("kind", "step"):
        honest = HEADS[name].at_temperature(outputs[name], 3.0).astype("float64")
        names_of = np.asarray(HEADS[name].names, object)
        columns[name] = names_of[[rng.choice(3, p=row / row.sum()) for row in honest]]
    columns["kids"] = np.where(rng.random(ROWS) < HEADS["kids"].at_temperature(outputs["kids"], 3.0)[:, 0], "yes", "no")
    yes = rng.random((ROWS, 2)) < HEADS["tags"].at_temperature(outputs["tags"], 3.0)
    columns["tags"] = [[tag for tag, given in zip(("hood", "zip"), row) if given] for row in yes]
    columns |= {"size": rng.normal(size=ROWS), "point": ["0.5 0.5"] * ROWS}
    cells = {name: pd.Series(list(values), dtype=object) for name, values in columns.items()}
    frame = pd.DataFrame({"image": names, **cells})
    frame.loc[::7, "kind"] = None
    return mtl.data.LabelTable(frame, HEADS, root=tmp_path)


def test_what_was_too_sure_is_not_any_more(model, labelled, tmp_path):
    weights, before = model.get_weights(), Predictions.from_model(model, labelled)
    report = mtl.calibrate(model, labelled)
    after = Predictions.from_model(model, labelled)
    assert list(report.index) == ["kind", "kids", "tags", "step"]
    assert report["temperature"].between(1.2, 5).all()
    assert (report["ece"] < report["ece_before"]).all()
    assert (report["brier"] < report["brier_before"]).all()
    assert report.loc["kind", "rows"] == ROWS - len(range(0, ROWS, 7))
    for name in report.index:
        expected = HEADS[name].at_temperature(before.outputs[name], report.loc[name, "temperature"])
        np.testing.assert_allclose(after.outputs[name], expected, atol=2e-5)
    assert (after.to_frame()["kind"] == before.to_frame()["kind"]).all()
    np.testing.assert_array_equal(after.outputs["size"], before.outputs["size"])
    errors = calibration_errors(after)
    np.testing.assert_allclose(errors["ece"], report["ece"], atol=2e-3)
    again = mtl.calibrate(model, labelled)
    np.testing.assert_allclose(again["temperature"], 1, atol=0.05)

    mtl.export(model, tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)
    images = np.zeros((1, 4, 4, 3), "float32")
    np.testing.assert_allclose(loaded(images)["kind"], model(images)["kind"], atol=1e-6)
    model.set_weights(weights)


@pytest.mark.parametrize("least", [0.4, 0.0])
def test_scores_of_objects_become_the_probability_that_they_hit(tmp_path, rng, least):
    import cv2

    keras.utils.set_random_seed(0)
    head = mtl.DetectionHead(["a", "b"], score_threshold=least, hidden=())
    images = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(6, 2, strides=2, activation="relu")(keras.layers.Rescaling(1 / 32, -4.0)(images))
    model = mtl.build(keras.Model(images, features, name="tiny"), {"objects": head}, (8, 8, 3), weights=None)
    scores = model.get_layer("objects_scores_map")
    scores.kernel.assign(0.4 * rng.normal(size=scores.kernel.shape))
    scores.bias.assign(np.zeros(2))
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(60)]})
    for name in frame["image"]:
        cv2.imwrite(str(tmp_path / name), rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    said = Predictions.from_model(model, mtl.data.LabelTable(frame, {}, root=tmp_path)).to_frame()
    # Every fourth predicted object is one: it is far too sure.
    frame["objects"] = [answers[::4] for answers in said["objects"]]
    head = model.heads["objects"].with_settings(max_objects=max(map(len, frame["objects"])))
    table = mtl.data.LabelTable(frame, {"objects": head}, root=tmp_path)
    model.compile()
    report = mtl.calibrate(model, table).loc["objects"]
    assert report["temperature"] != pytest.approx(1, abs=0.1)
    assert report["brier"] < report["brier_before"]
    after = Predictions.from_model(model, table)
    assert after.to_frame()["objects"].tolist() == said["objects"].tolist()
    moved = after.heads["objects"].score_threshold
    assert moved == 0 if least == 0 else abs(moved - least) > 0.005
    assert model.heads["objects"].score_threshold == least
    model.compile()
    (metric,) = model._head_metrics["objects"]
    assert metric.threshold == moved

    mtl.export(model, tmp_path / "model.h5")
    loaded = mtl.load_model(tmp_path / "model.h5")
    assert Predictions.from_model(loaded, table).to_frame()["objects"].tolist() == said["objects"].tolist()


def test_the_error_is_the_gap_between_what_is_said_and_what_is_right():
    sure = np.array([0.9] * 10 + [0.6] * 10)
    right = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)
    assert expected_calibration_error(sure, right) == pytest.approx(0.5 * 0 + 0.5 * 0.3)
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0
    assert np.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_images_alone_say_nothing_of_calibration():
    predictions = Predictions({"kids": np.array([[0.9]])}, {"kids": mtl.BinaryHead()}, names=["a.jpg"])
    with pytest.raises(ValueError, match="Expected a table with the labels of these rows"):
        calibration_errors(predictions)


def test_heads_without_probabilities_have_no_temperature(model):
    with pytest.raises(HeadError, match="Expected head 'size' to end in a dense layer"):
        fold_temperature(model, "size", 2.0)
    with pytest.raises(ValueError, match="above 0"):
        fold_temperature(model, "kind", 0.0)


@pytest.mark.parametrize("rows", [4, 16, 64])
def test_a_few_rows_that_are_all_right_make_nobody_sure(rows):
    head = mtl.ClassificationHead(["a", "b"])
    targets = np.eye(2, dtype="float32")[np.arange(rows) % 2]
    outputs = np.where(targets == 1, 0.8, 0.2).astype("float32")
    sure = head.at_temperature(outputs, fit_temperature(head, outputs, targets)).max()
    assert 0.8 < sure < 1 - 0.4 / (rows + 1)
