"""Names of labels stay as they are written, and those that may be meant to be the same get a note."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from written import column, write

from mtlzoo.data import LabelTable, infer_head, read_csv, read_folders
from mtlzoo.heads import BinaryHead, ClassificationHead, RegressionHead


@pytest.mark.parametrize(
    "names",
    [
        ["001", "002", "010"],
        ["3E1", "1E5", "2E5"],
        ["+1", "+2", "3"],
        ["1.0", "2.0"],
        ["1.50", "a"],
        ["0x10", "0x11", "0x12"],
        ["1_0", "1_1"],
        ["Infinity", "nano"],
        [f"{code:03}" for code in range(1, 41)],
        ["12345678901234567890123", "12345678901234567890124"],
    ],
)
def test_names_stay_as_they_are_written(tmp_path, names):
    table = column(tmp_path, names * 3)
    assert table.heads["a"].names == names
    assert int(table.labelled()["a"].sum()) == 3 * len(names)
    lines = "".join(f"{row}.png,a,{name}\n" for row, name in enumerate(names * 3))
    assert read_csv(write(tmp_path, "image,head,label\n" + lines), layout="long").heads == table.heads


@pytest.mark.parametrize("gap", ["", "NA"])
def test_whole_numbers_that_gaps_gave_decimals_are_tidied(tmp_path, gap):
    assert column(tmp_path, ["1.0", "2.0", gap] * 3).heads["a"].names == ["1", "2"]
    assert column(tmp_path, ["1.0", "2.0", "2.00", gap] * 3).heads["a"].names == ["1.0", "2.0", "2.00"]


@pytest.mark.parametrize("names", [["1.0", "2.0"], ["1", "2"], ["01", "02"]])
@pytest.mark.parametrize("cells", [["1.0", "2.0"], ["1", "2"], ["1.0", "2.0", ""], ["01", "02"]])
def test_a_given_name_is_found_however_its_number_is_written(tmp_path, names, cells):
    table = column(tmp_path, cells * 3, heads={"a": ClassificationHead(names)})
    assert table.labels()["a"].tolist() == [0, 1, *([-1] * (len(cells) - 2))] * 3


def test_a_name_as_it_is_written_comes_before_the_same_number(tmp_path):
    head = ClassificationHead(["1", "01", "1.0"])
    assert head.encode(["01", "1.0", "1"]).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    "labels",
    [
        ["Male", "male", "Female"],
        ["Yes", "yes", "No"],
        ["New York", "New  York", "NewYork"],
        ["1", "01", "2"],
        ["1", "1.0", "2"],
        ["cafe\u0301", "caf\u00e9", "bar"],
        ["\uff21", "A", "B"],
    ],
)
def test_names_that_may_be_the_same_get_a_note(tmp_path, labels):
    table = column(tmp_path, labels * 3)
    assert len(table.heads["a"].names) == len(set(labels))
    (note,) = [note for note in table.notes if "different labels" in note]
    assert note.startswith("a: ")
    assert "(3)" in note
    lines = "".join(f"{row}.png,a,{label}\n" for row, label in enumerate(labels * 3))
    assert note in read_csv(write(tmp_path, "image,head,label\n" + lines), layout="long").notes


def test_blanks_around_names_do_not_count_and_are_told(tmp_path):
    table = column(tmp_path, ["yes", "yes ", "no"] * 3)
    assert table.heads["a"] == BinaryHead()
    assert table.notes == ('a: "yes " (3 cells) and "yes" (3) are read as one label',)


def test_numbers_are_no_names(tmp_path):
    assert column(tmp_path, ["1.5", "1.50", "2", "2.0"] * 9).notes == ()


def test_folders(tmp_path):
    for name in ("001", "002", "Cat", "cat"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "0.png"), np.zeros((4, 4, 3), np.uint8))
    table = read_folders(tmp_path)
    assert table.heads["label"].names == ["001", "002", "Cat", "cat"]
    assert any('"Cat" (1), "cat" (1)' in note for note in table.notes)


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ([1, 2, 3], ["1", "2", "3"]),
        ([1.0, 2.0, np.nan], ["1", "2"]),
        (pd.array([1, None, 2], dtype="Int64"), ["1", "2"]),
        ([True, False, True], ["False", "True"]),
        (pd.array([True, None, False], dtype="boolean"), ["False", "True"]),
        (np.array(["x", "y", "x"]), ["x", "y"]),
        (["01", "1", None], ["01", "1"]),
    ],
)
def test_tables_from_frames(cells, names):
    frame = pd.DataFrame({"image": list("abc"), "a": cells})
    head = infer_head(frame["a"])
    assert head.names == names
    known = LabelTable(frame, {"a": head}).labelled()["a"].tolist()
    assert known == frame["a"].notna().tolist()


def test_numbers_of_pandas_with_gaps():
    frame = pd.DataFrame({"image": list("abc"), "a": pd.array([1, None, 2], dtype="Int64")})
    labels = LabelTable(frame, {"a": RegressionHead()}).labels()["a"]
    np.testing.assert_array_equal(labels[:, 0], [1, np.nan, 2])


def test_names_that_differ_by_quotes_or_by_what_nobody_sees_are_noted(tmp_path):
    for other in ("'cat'", "cat\u200b", "\ufeffcat"):
        table = column(tmp_path, ["cat", other, "dog"] * 3)
        assert len(table.heads["a"].names) == 3
        assert "look alike" in table.notes[0]
