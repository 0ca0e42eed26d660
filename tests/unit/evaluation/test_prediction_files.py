"""Predictions in a file: what comes back says the same of the same rows, and finds the same images."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from answered import outputs

import mtlzoo as mtl
from mtlzoo.data import LabelTable
from mtlzoo.errors import InputError, OutputError
from mtlzoo.evaluation import Predictions, load_predictions, save_predictions
from mtlzoo.images.geometry import ImageGeometry

HEADS = {
    "size": mtl.ClassificationHead(["s", "m", "l"]),
    "tags": mtl.MultiLabelHead(["a", "b"]),
    "price": mtl.RegressionHead(mean=10.0, scale=4.0),
    "points": mtl.LandmarkHead(2, format="xy"),
    "fat": mtl.RegressionHead(mean=0.0, scale=1.0, only_if={"size": ["s"]}),
}


@pytest.fixture
def predictions(rng, tmp_path) -> Predictions:
    rows = 9
    points = [[[1.5, 2.0], [3.0, 4.0]] if row % 3 else None for row in range(rows)]
    frame = pd.DataFrame(
        {
            "image": [f"{row}.png" for row in range(rows)],
            "size": ["s", "m", None] * 3,
            "tags": [["a"], [], None] * 3,
            "price": [1.5, None, 3] * 3,
            "points": points,
            "fat": [0.5, 0.5, None] * 3,
            "day": [date(2026, 1, 1 + row) for row in range(rows)],
        },
        index=range(4, 4 + rows),
    )
    found = {
        "size": rng.dirichlet([1, 1, 1], rows),
        "tags": rng.random((rows, 2)),
        "price": rng.normal(10, 4, (rows, 1)),
        "points": rng.random((rows, 2, 2)),
        "fat": rng.random((rows, 1)),
    }
    table = LabelTable(frame, HEADS, root=tmp_path / "images", source="labels.csv", first_line=2)
    geometry = ImageGeometry.whole([(20, 30)] * rows, (16, 16))
    return Predictions({name: np.float32(array) for name, array in found.items()}, HEADS, geometry, table=table)


def test_the_report_of_a_file_is_that_of_the_predictions(predictions, tmp_path):
    save_predictions(predictions, tmp_path / "run" / "predictions.npz")
    loaded = load_predictions(tmp_path / "run")
    pd.testing.assert_frame_equal(loaded.evaluate(), predictions.evaluate())
    pd.testing.assert_frame_equal(loaded.to_frame(), predictions.to_frame())
    assert loaded.table.where(2) == predictions.table.where(2)
    assert loaded.table.frame["day"].iloc[1] == "2026-01-02"


def test_images_are_found_when_all_has_moved(predictions, tmp_path):
    (tmp_path / "images").mkdir()
    save_predictions(predictions, tmp_path / "run" / "predictions.npz")
    shutil.move(tmp_path / "run", tmp_path / "there" / "run")
    shutil.move(tmp_path / "images", tmp_path / "there" / "images")
    moved = load_predictions(tmp_path / "there" / "run").table
    assert Path(moved.paths()[0]) == tmp_path / "there" / "images" / "0.png"
    assert load_predictions(tmp_path / "there" / "run", "elsewhere").table.paths()[0] == "elsewhere/0.png"


def test_nothing_is_replaced_and_other_files_are_refused(predictions, tmp_path):
    path = save_predictions(predictions, tmp_path / "predictions.npz")
    with pytest.raises(OutputError):
        save_predictions(predictions, path)
    with pytest.raises(FileNotFoundError, match="mtlzoo evaluate MODEL DATA"):
        load_predictions(tmp_path / "images")
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"nothing", b""):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="not a file that"):
            load_predictions(path)


def test_images_alone_have_no_rows_to_keep(model, tmp_path):
    images = np.zeros((1, 12, 10, 3), "float32")
    assert outputs(model, images)
    with pytest.raises(ValueError, match="images alone"):
        save_predictions(Predictions.from_model(model, images), tmp_path / "predictions.npz")
