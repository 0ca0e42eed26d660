"""The table: what it refuses, what it remembers of its source, and how its labels are read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable, TableError
from mtlzoo.heads import BinaryHead, ClassificationHead, MultiLabelHead, RegressionHead


@pytest.fixture
def table() -> LabelTable:
    frame = pd.DataFrame(
        {
            "image": ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"],
            "size": ["short", None, "long", "short", ""],
            "kids": ["yes", "no", None, None, "yes"],
            "age": [3.5, None, 60.0, 12.0, 7.0],
            "sender": [1, 1, 2, 3, 3],
        }
    )
    heads = {"size": ClassificationHead(["short", "long"]), "kids": BinaryHead(), "age": RegressionHead()}
    return LabelTable(frame, heads, root="photographs", source="labels.csv", first_line=2)


# === Labels ===


def test_labels_are_encoded_by_head_with_missing_ones_marked(table):
    labels = table.labels()
    assert list(labels) == ["size", "kids", "age"]
    assert labels["size"].tolist() == [0, -1, 1, 0, -1]
    assert labels["kids"].tolist() == [1, 0, -1, -1, 1]
    np.testing.assert_array_equal(labels["age"], np.float32([[3.5], [np.nan], [60], [12], [7]]))


def test_labelled_tells_where_labels_are(table):
    labelled = table.labelled()
    assert labelled.dtypes.tolist() == [bool] * 3
    assert labelled["size"].tolist() == [True, False, True, True, False]
    assert labelled.sum().tolist() == [3, 3, 4]


def test_a_label_that_its_head_does_not_know_is_named_with_its_line(table):
    table.frame.loc[3, "size"] = "medium"
    with pytest.raises(
        TableError, match=r"^labels.csv, line 5 \(d.jpg\): head 'size': unknown label 'medium', expected"
    ):
        table.labels()


def test_without_lines_the_image_is_named():
    table = LabelTable(pd.DataFrame({"image": ["a.jpg", "b.jpg"], "kids": ["yes", "maybe"]}), {"kids": BinaryHead()})
    with pytest.raises(TableError, match=r"^table, b.jpg: head 'kids'"):
        table.labels()


def test_heads_may_be_given_as_numbers_of_classes():
    table = LabelTable(pd.DataFrame({"image": ["a", "b"], "size": [2, 0]}), {"size": 3})
    assert table.heads == {"size": ClassificationHead(3)}
    assert table.labels()["size"].tolist() == [2, 0]


# === Rows ===


@pytest.mark.parametrize("rows", [[4, 0, 2], np.array([4, 0, 2]), np.array([4, 0, 2], "int32")])
@pytest.mark.parametrize("encoded", [False, True])
def test_take_keeps_labels_lines_and_heads(table, rows, encoded):
    if encoded:
        table.labels()
    taken = table.take(rows)
    assert taken.frame["image"].tolist() == ["e.jpg", "a.jpg", "c.jpg"]
    assert taken.heads == table.heads
    assert taken.where(0) == "labels.csv, line 6 (e.jpg)"
    assert taken.take([1]).where(0) == "labels.csv, line 2 (a.jpg)"
    for name, targets in taken.labels().items():
        np.testing.assert_array_equal(targets, table.labels()[name][[4, 0, 2]])


def test_take_understands_masks_and_nothing(table):
    mask = (table.frame["sender"] == 3).to_numpy()
    assert table.take(mask).frame["image"].tolist() == ["d.jpg", "e.jpg"]
    assert len(table.take([])) == 0
    table.labels()
    assert table.take([]).labels()["size"].shape == (0,)


def test_what_a_head_learns_of_a_part_is_not_the_tables(table):
    part = table.take([0, 1])
    assert part.heads["age"].adapted(part.labels()["age"]).mean == 3.5
    assert part.heads["age"].mean is table.heads["age"].mean is None


def test_heads_of_a_part_are_those_of_the_table(table):
    assert all(table.take([0, 1]).heads[name] is head for name, head in table.heads.items())


def test_a_part_of_a_column_of_categories_knows_only_the_labels_that_are_left():
    frame = pd.DataFrame({"image": ["a", "b", "c"], "size": pd.Series(["s", "m", "l"], dtype="category")})
    part = LabelTable(frame, {"size": ClassificationHead(["s", "m", "l"])}).take([0, 1])
    assert part.with_heads({"size": ClassificationHead(["m", "s"])}).labels()["size"].tolist() == [1, 0]


# === Heads ===


def test_with_heads_reads_the_same_rows_anew(table):
    assert table.labels()["size"].tolist() == [0, -1, 1, 0, -1]
    other = table.with_heads({"size": ClassificationHead(["long", "short"])})
    assert other.labels()["size"].tolist() == [1, -1, 0, 1, -1]
    assert list(other.labels()) == ["size"]
    assert table.labels()["size"].tolist() == [0, -1, 1, 0, -1]
    with pytest.raises(TableError, match=r"no column for the head 'color'; the columns are: image, size, kids"):
        table.with_heads({"color": BinaryHead()})


def test_for_heads_reads_what_a_model_knows_in_the_models_order(table):
    heads = {"color": ClassificationHead(3), "size": ClassificationHead(["long", "short"])}
    assert list(table.for_heads(heads).heads) == ["size"]
    assert table.for_heads(heads).labels()["size"].tolist() == [1, -1, 0, 1, -1]
    with pytest.raises(TableError, match=r"no column for any of the heads color; the columns are: image, size"):
        table.for_heads({"color": ClassificationHead(3)})


def test_classes_without_names_are_the_tables_own(table):
    assert table.for_heads({"size": ClassificationHead(2)}).labels()["size"].tolist() == [0, -1, 1, 0, -1]
    with pytest.raises(TableError, match="unknown label 'short', expected one of: '0', '1', '2'"):
        table.for_heads({"size": ClassificationHead(3)}).labels()


# === Paths ===


def test_paths_start_at_the_root_unless_they_are_absolute(tmp_path):
    absolute = str(tmp_path / "x.jpg")
    frame = pd.DataFrame({"image": ["a.jpg", "sub/b.jpg", absolute]})
    assert LabelTable(frame, {}, root="photographs").paths() == [
        os.path.join("photographs", "a.jpg"),
        os.path.join("photographs", "sub/b.jpg"),
        absolute,
    ]
    assert LabelTable(frame, {}).paths() == ["a.jpg", "sub/b.jpg", absolute]
    assert LabelTable(frame, {}, root=tmp_path).paths()[0] == str(tmp_path / "a.jpg")


def test_images_without_labels():
    table = LabelTable.of_images(["a.jpg", Path("b.jpg")])
    assert table.paths() == ["a.jpg", "b.jpg"]
    assert table.heads == {}
    assert table.labels() == {}
    assert table.where(1) == "images, b.jpg"


# === Refusals ===


def test_columns_that_must_be_there():
    with pytest.raises(TableError, match="no column 'image'; the columns are: photo, kids"):
        LabelTable(pd.DataFrame({"photo": ["a"], "kids": ["yes"]}), {"kids": BinaryHead()})
    with pytest.raises(TableError, match="no column for the head 'kids'; the columns are: image"):
        LabelTable(pd.DataFrame({"image": ["a"]}), {"kids": BinaryHead()})


def test_names_that_mean_two_things():
    twice = pd.DataFrame([["a", "yes", "no"]], columns=["image", "kids", "kids"])
    with pytest.raises(TableError, match="more than one column is called 'kids'"):
        LabelTable(twice, {"kids": BinaryHead()})
    with pytest.raises(TableError, match="a head cannot be called 'image'"):
        LabelTable(pd.DataFrame({"image": ["a"]}), {"image": BinaryHead()})


def test_check_finds_heads_that_could_learn_nothing(table):
    table.check()
    with pytest.raises(TableError, match=r"^labels.csv: no rows\.$"):
        table.take([]).check()
    with pytest.raises(TableError, match=r"^labels.csv: head 'size' has no label in any of 2 rows; leave it out\.$"):
        table.take([1, 4]).check()
    with pytest.raises(
        TableError, match=r"^labels.csv: head 'size' has one label only, 'short', in 2 rows: nothing to"
    ):
        table.take([0, 3]).check()
    with pytest.raises(TableError, match=r"head 'age' has one label only, 60\.0, in 1 rows"):
        table.with_heads({"age": RegressionHead()}).take([1, 2]).check()


def test_check_of_tags_and_soft_labels():
    frame = pd.DataFrame({"image": list("abc"), "tags": ["x;y", "y;x", None], "soft": [(1, 1), (2, 2), None]})
    with pytest.raises(TableError, match="head 'tags' has one label only, 'x;y', in 2 rows"):
        LabelTable(frame, {"tags": MultiLabelHead(["x", "y"])}).check()
    with pytest.raises(TableError, match=r"head 'soft' has one label only, \(1, 1\), in 2 rows"):
        LabelTable(frame, {"soft": ClassificationHead(2)}).check()
    frame.loc[2, "tags"], frame["soft"] = "none", [(1, 1), (2, 1), None]
    LabelTable(frame, {"tags": MultiLabelHead(["x", "y"]), "soft": ClassificationHead(2)}).check()


def test_tables_can_be_compared_and_kept_in_sets(table):
    assert table == table
    assert table != table.take(range(5))
    assert len({table, table}) == 1
