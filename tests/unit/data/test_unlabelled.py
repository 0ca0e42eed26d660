"""Rows of which nothing is known but the image."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.data.unlabelled import unlabelled_images, with_unlabelled
from mtlzoo.errors import TableError


@pytest.fixture
def table(tmp_path) -> mtl.data.LabelTable:
    frame = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "kind": ["x", None], "size": [1.5, 2.0], "weight": [2, 3]})
    heads = {"kind": mtl.ClassificationHead(["x", "y"]), "size": mtl.RegressionHead()}
    return mtl.data.LabelTable(frame, heads, root=tmp_path, source="labels.csv", first_line=2)


def test_a_folder_becomes_rows_without_labels(table, tmp_path):
    folder = tmp_path / "more"
    (folder / "deep").mkdir(parents=True)
    for name in ("2.png", "deep/1.jpg", "notes.txt"):
        (folder / name).write_bytes(b"")
    both = with_unlabelled(table, unlabelled_images(folder), "weight")
    assert both.paths() == [*table.paths(), str(folder / "2.png"), str(folder / "deep" / "1.jpg")]
    assert both.labelled()["kind"].tolist() == [True, False, False, False]
    np.testing.assert_array_equal(both.labels()["size"], [[1.5], [2], [np.nan], [np.nan]])
    assert both.frame["weight"].tolist() == [2, 3, 1, 1]
    assert both.where(0) == "labels.csv, line 2 (a.jpg)"
    assert "line" not in both.where(3)
    assert len(table) == 2


def test_labels_of_a_table_are_not_looked_at(table):
    both = with_unlabelled(table, unlabelled_images(table))
    assert both.labelled()["kind"].sum() == 1
    assert len(both) == 4


def test_parts_of_images_stay_parts(table):
    frame = pd.DataFrame({"image": ["c.jpg"], "region": [(1.0, 2.0, 3.0, 4.0)]})
    both = with_unlabelled(table, mtl.data.LabelTable(frame, {}))
    assert both.regions() == [None, None, (1.0, 2.0, 3.0, 4.0)]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(TableError, match="no images in this folder"):
        unlabelled_images(tmp_path)
    with pytest.raises(TableError, match="there is no such folder"):
        unlabelled_images(tmp_path / "none")
