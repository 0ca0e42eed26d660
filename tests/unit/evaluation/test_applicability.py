"""Predictions and reports of heads that are asked only where other heads have certain labels."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable, read_csv
from mtlzoo.evaluation import Predictions
from mtlzoo.heads import BinaryHead, BoxHead, ClassificationHead, DetectionHead, MultiLabelHead, RegressionHead
from mtlzoo.images.geometry import ImageGeometry

ONLY = {"kind": ["milk"]}
HEADS = {
    "kind": ClassificationHead(["pear", "milk"]),
    "brand": ClassificationHead(["a", "b"], only_if=ONLY),
    "organic": BinaryHead(only_if={"brand": "b"}),
    "tags": MultiLabelHead(["x", "y"], only_if=ONLY),
    "fat": RegressionHead(only_if=ONLY),
    "lid": BoxHead(format="xyxy", only_if=ONLY),
}
OUTPUTS = {
    "kind": [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]],
    "brand": [[0.3, 0.7], [0.25, 0.75], [0.6, 0.4]],
    "organic": [[0.9], [0.9], [0.9]],
    "tags": [[0.9, 0.1]] * 3,
    "fat": [[1.0], [2.0], [3.0]],
    "lid": [[0.1, 0.2, 0.3, 0.4]] * 3,
}


@pytest.fixture
def predictions() -> Predictions:
    outputs = {name: np.array(values, "float32") for name, values in OUTPUTS.items()}
    names = [f"{row}.jpg" for row in range(3)]
    return Predictions(outputs, HEADS, ImageGeometry.whole([(20, 40)] * 3, (8, 8)), names)


def test_no_prediction_contradicts_that_of_a_parent(predictions):
    frame = predictions.to_frame()
    assert frame["kind"].tolist() == ["pear", "milk", "milk"]
    assert frame["brand"].tolist() == ["not applicable", "b", "a"]
    assert frame["organic"].tolist() == ["not applicable", "yes", "not applicable"]
    assert frame["tags"].tolist() == ["not applicable", "x", "x"]
    np.testing.assert_equal(frame["fat"].to_numpy(), [np.nan, 2.0, 3.0])
    assert frame["lid"].isna().tolist() == [True, False, False]


def test_probabilities_are_those_of_the_answer_among_all(predictions):
    frame = predictions.to_frame(probabilities=True)
    np.testing.assert_allclose(frame["brand_probability"], [0.9, 0.8 * 0.75, 0.6 * 0.6], rtol=1e-6)
    np.testing.assert_allclose(frame[["brand:a", "brand:b", "brand:not applicable"]].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(frame["brand:b"], [0.1 * 0.7, 0.8 * 0.75, 0.6 * 0.4], rtol=1e-6)
    asked = np.array([0.1 * 0.7, 0.8 * 0.75, 0.6 * 0.4])
    np.testing.assert_allclose(frame["organic:not applicable"], 1 - asked, rtol=1e-6)
    np.testing.assert_allclose(frame["organic_probability"], [1 - asked[0], 0.9 * asked[1], 1 - asked[2]], rtol=1e-6)
    assert frame["fat:0"].tolist() == [1, 2, 3]  # a number is no probability
    assert predictions.outputs["brand"][0].tolist() == pytest.approx([0.3, 0.7])  # the outputs stay


def test_several_objects_have_several_probabilities():
    heads = {"kind": HEADS["kind"], "things": DetectionHead(["x"], score_threshold=0.3, only_if=ONLY)}
    boxes = [[0.1, 0.1, 0.2, 0.2, 0.9], [0.5, 0.5, 0.9, 0.9, 0.4]]
    outputs = {"kind": np.array([[0.9, 0.1], [0.2, 0.8]], "float32"), "things": np.array([boxes, boxes], "float32")}
    frame = Predictions(outputs, heads, ImageGeometry.whole([(20, 40)] * 2, (8, 8))).to_frame(probabilities=True)
    assert len(frame["things_probability"][0]) == 0
    np.testing.assert_allclose(frame["things_probability"][1], [0.9 * 0.8, 0.4 * 0.8], rtol=1e-6)
    assert frame["things"][0] is None
    assert len(frame["things"][1]) == 2


def test_heads_that_are_always_asked_say_what_they_said(predictions):
    always = {name: head.with_settings(only_if=None) for name, head in HEADS.items()}
    frame = predictions.with_heads(always).to_frame(probabilities=True)
    assert frame["brand"].tolist() == ["b", "b", "a"]
    assert not any("not applicable" in column for column in frame)


def test_a_file_of_predictions_can_be_read_as_labels(predictions, tmp_path):
    predictions.to_frame()[["image", "kind", "brand"]].to_csv(tmp_path / "labels.csv", index=False)
    table = read_csv(
        tmp_path / "labels.csv", heads={"kind": HEADS["kind"], "brand": HEADS["brand"]}, missing=["not applicable"]
    )
    assert table.labelled()["brand"].tolist() == [False, True, True]


@pytest.fixture
def table() -> LabelTable:
    lines = "image,kind,brand,fat\n0.jpg,milk,b,1\n1.jpg,milk,b,\n2.jpg,pear,a,3\n"
    return LabelTable(pd.read_csv(io.StringIO(lines)), {name: HEADS[name] for name in ("kind", "brand", "fat")})


def test_reports_take_rows_that_are_asked_and_count_the_others(predictions, table):
    report = predictions.evaluate(table)
    assert report["labelled"].tolist()[:3] == [3, 2, 1]  # the pear has no brand, whatever its cell says
    assert report.loc["brand", "accuracy"] == 1.0
    # Predicted: not applicable, b, a. True: b, b, not applicable.
    assert report.loc["brand", "not_applicable_f1"] == 0.0
    assert np.isnan(report.loc["kind", "not_applicable_f1"])
    assert "not_applicable_f1" not in predictions.with_heads({"kind": HEADS["kind"]}).evaluate(table)


def test_the_f1_of_not_applicable_is_that_of_the_rows_whose_parents_are_labelled(predictions, table):
    frame = table.frame.assign(kind=["pear", "milk", None])
    report = predictions.evaluate(LabelTable(frame, table.heads))
    assert report.loc["brand", "not_applicable_f1"] == 1.0
    unknown = LabelTable(frame.drop(columns="kind"), {"brand": HEADS["brand"]})
    assert np.isnan(predictions.evaluate(unknown).loc["brand", "not_applicable_f1"])
