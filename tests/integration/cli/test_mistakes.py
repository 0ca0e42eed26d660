"""The worst mistakes of each head, with where it looked: `mtlzoo evaluate --explain`."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.cli.main import main
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.mistakes import worst_rows


def pair(head, cells, outputs) -> LabelledOutputs:
    targets = head.encode(cells)
    return LabelledOutputs(head, targets, np.asarray(outputs, "float32"), head.labelled(targets))


def test_classes_that_were_got_wrong_come_by_their_loss():
    outputs = [[0.4, 0.6], [0.1, 0.9], [0.6, 0.4], [0.3, 0.7], [0.0, 1.0]]
    rows = worst_rows(pair(mtl.ClassificationHead(["s", "l"]), ["s", "s", "s", "l", None], outputs))
    assert rows.tolist() == [1, 0]
    assert worst_rows(pair(mtl.ClassificationHead(["s", "l"]), ["s", "s"], outputs[:2]), count=1).tolist() == [1]


def test_right_tags_are_no_mistake():
    head, outputs = mtl.MultiLabelHead(["p", "q"]), [[0.9, 0.8], [0.9, 0.1], [0.2, 0.1]]
    assert worst_rows(pair(head, ["p;q", "q", "none"], outputs)).tolist() == [1]


def test_numbers_that_are_furthest_off_come_first():
    assert worst_rows(pair(mtl.RegressionHead(), [1, 2, None, 4], [[1.5], [9], [0], [4]]), 2).tolist() == [1, 0]


@pytest.mark.parametrize("head", [mtl.BinaryHead(), mtl.MultiLabelHead(["a", "b"]), mtl.OrdinalHead(3)])
def test_nothing_labelled_is_no_mistake(head):
    outputs = np.full((2, *(head.output_shape() or (1,))), 0.5)
    assert worst_rows(pair(head, [None, None], outputs)).tolist() == []


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """An untrained model, and a table whose labels it does not know."""
    folder = tmp_path_factory.mktemp("mistakes")
    rng = np.random.default_rng(0)
    rows = []
    for row in range(8):
        cv2.imwrite(str(folder / f"{row}.png"), rng.integers(0, 256, (20, 30, 3), "uint8"))
        rows.append({"image": f"{row}.png", "kind": "ab"[row % 2], "price": row, "corner": "5,5"})
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3, strides=2, activation="relu")(images), name="tiny")
    heads = {"kind": mtl.ClassificationHead(["a", "b"], pooling="attention"), "price": mtl.RegressionHead()}
    model = mtl.build(backbone, {**heads, "corner": mtl.LandmarkHead(1, format="xy")}, (16, 16, 3), weights=None)
    mtl.export(model, folder / "model.h5")
    return folder


def test_the_report_has_a_sheet_of_mistakes(saved, tmp_path):
    command = [
        "evaluate",
        str(saved / "model.h5"),
        str(saved / "labels.csv"),
        "--explain",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(command) == 0
    sheet = cv2.imread(str(tmp_path / "out" / "mistakes.png"))
    assert sheet.shape[0] > 300
    assert sheet.std() > 10
    assert main(command) == 2  # nothing is replaced


def test_a_sheet_needs_a_folder(saved, capsys):
    assert main(["evaluate", str(saved / "model.h5"), str(saved / "labels.csv"), "--explain"]) == 2
    assert "Expected --out with --explain" in capsys.readouterr().err
