"""Corrections: labels that are written into single cells of a table."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.data.cell_writing import write_cells
from mtlzoo.errors import TableError

HEADS = {
    "kind": mtl.ClassificationHead(["cat", "dog", "owl"]),
    "age": mtl.RegressionHead(),
    "tags": mtl.MultiLabelHead(["wet", "old"], separator=";"),
}
IMAGES = ["a.jpg", "b.jpg", "c.jpg", "a.jpg"]


def table(**columns) -> mtl.data.LabelTable:
    given = {"kind": ["cat", None, "dog", None], "age": [1.5, np.nan, 3.0, np.nan], "tags": ["wet", None, None, "old"]}
    return mtl.data.LabelTable(pd.DataFrame({"image": IMAGES, "note": [7, 8, 9, 10], **given, **columns}), HEADS)


def rows(*cells, columns=("image", "row", "head", "label")) -> pd.DataFrame:
    return pd.DataFrame(list(cells), columns=columns)


def same(cells, expected) -> bool:
    """Whether cells are equal, of whatever kind the missing ones are."""
    pairs = zip(list(cells), expected, strict=True)
    return all(pd.isna(one) if other is None else one == other for one, other in pairs)


def test_labels_are_filled_in_replaced_and_deleted_and_all_else_stays():
    before = table()
    kept = before.frame.copy()
    filled = rows(
        *[
            ("b.jpg", None, "kind", "owl"),
            ("c.jpg", None, "kind", "cat"),
            ("a.jpg", 3, "age", "4"),
            ("b.jpg", 1, "age", ""),
        ],
        *[("a.jpg", 0, "tags", "(delete)"), (None, 2, "tags", "wet;old"), ("c.jpg", 2, "age", None)],
    )
    after = mtl.apply_corrections(before, filled)
    assert same(after.frame["kind"], ["cat", "owl", "cat", None])
    assert same(after.frame["age"], [1.5, None, 3.0, 4.0])
    assert same(after.frame["tags"], [None, None, "wet;old", "old"])
    pd.testing.assert_frame_equal(before.frame, kept)
    pd.testing.assert_frame_equal(after.frame[["image", "note"]], kept[["image", "note"]])


@pytest.mark.parametrize(
    ("column", "labels", "expected"),
    [
        (pd.Series([1, 2, 3], dtype="int64"), [None, "7"], [1, None, 7]),
        (pd.Series([1, 2, 3], dtype="uint8"), ["5", "7.0"], [1, 5, 7]),
        (pd.Series([1, 2, 3], dtype="int8"), ["500", "7"], [1, 500, 7]),
        (pd.Series([1.0, np.nan, 3.0]), ["2,5", "x"], [1.0, "2,5", "x"]),
        (pd.Series([np.nan] * 3), ["cat", "owl"], [None, "cat", "owl"]),
        (pd.Series([None] * 3, dtype="category"), ["cat", "owl"], [None, "cat", "owl"]),
        (pd.Series(["b", "a", None], dtype="category"), ["a", None], ["b", "a", None]),
        (pd.Series(["3", "2", None], dtype="category"), ["3.0", "4"], ["3", "3", "4"]),
        (pd.Series([3, 2, None], dtype="category"), ["5", None], [3.0, 5.0, None]),
        (pd.Series(["b", "a", None], dtype="category"), [[0.5, 0.5], "a"], ["b", [0.5, 0.5], "a"]),
        (pd.Series([1, None, 3], dtype="Int64"), ["x", None], [1, "x", None]),
        (pd.Series([True, False, True]), ["yes", None], [True, "yes", None]),
        (pd.Series(["x", [1, 2], None], dtype=object), ["y", "z"], ["x", "y", "z"]),
        (pd.Series(["x", "y", None], dtype="string"), [None, "z"], ["x", None, "z"]),
    ],
)
def test_columns_of_any_type_take_labels(column, labels, expected):
    column = column.rename("head").set_axis([4, 4, 9])
    before = column.copy()
    written = write_cells(column, [1, 2], labels)
    assert same(written, expected)
    pd.testing.assert_series_equal(column, before)
    assert written.index.tolist() == [4, 4, 9]
    assert written.name == "head"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"image,row,head,prediction,label\nb.jpg,,kind,cat,owl\n\na.jpg,3,age,,4.5\n", "plain.csv"),
        ("image;row;head;label\r\nb.jpg;;kind;owl\r\na.jpg;3;age;4,5\r\n".encode("utf-8-sig"), "semicolons.csv"),
        ("image\trow\thead\tlabel\nb.jpg\t\tkind\towl\na.jpg\t3\tage\t4.5\n".encode("utf-16"), "utf16.tsv"),
        (gzip.compress(b"row,head,label\n1, kind ,owl\n3,age,4.5\n", mtime=0), "rows.csv.gz"),
        (b"sep=;\nimage;row;head;label\nb.jpg;1.0;kind;owl\na.jpg;3;age;4.5\n", "excel.csv"),
    ],
)
def test_files_are_read_as_tables_are(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    after = mtl.apply_corrections(table(), tmp_path / name)
    assert after.frame["kind"].tolist()[:2] == ["cat", "owl"]
    assert after.frame["age"].tolist()[3] == 4.5


def test_what_was_written_against_formulas_is_read_back(tmp_path):
    (tmp_path / "filled.csv").write_text("image,head,label\n'=1.jpg,'-kind,'+1\n")
    frame = pd.DataFrame({"image": ["=1.jpg", "b.jpg"], "-kind": [None, "-1"]})
    labels = mtl.data.LabelTable(frame, {"-kind": mtl.ClassificationHead(["-1", "+1"])})
    assert mtl.apply_corrections(labels, tmp_path / "filled.csv").labels()["-kind"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b.jpg,1,knid,owl", "line 3 .b.jpg.: unknown head 'knid', expected one of: 'kind', 'age', 'tags'"),
        ("z.jpg,,kind,owl", "line 3 .z.jpg.: no image 'z.jpg' in table"),
        ("b.jpg,2,kind,owl", "line 3 .b.jpg.: row 2 of table shows c.jpg; is this a file for another table"),
        ("b.jpg,9,kind,owl", "line 3 .b.jpg.: no row '9' in table, which has 4 rows"),
        ("b.jpg,x,kind,owl", "line 3 .b.jpg.: no row 'x'"),
        ("a.jpg,,kind,owl", r"line 3 .a.jpg.: expected `row` beside an image that 2 rows show .rows 0, 3"),
        (
            "b.jpg,1,kind,bird",
            "line 3 .b.jpg.: head 'kind': unknown label 'bird', expected one of: 'cat', 'dog', 'owl'",
        ),
        ("c.jpg,2,kind,cat", "line 3 .c.jpg.: head 'kind' gets the label 'cat' here and 'dog' at filled.csv, line 2"),
    ],
)
def test_what_cannot_be_written_is_told_with_its_line(tmp_path, line, message):
    (tmp_path / "filled.csv").write_text(f"image,row,head,label\nc.jpg,2,kind,dog\n{line}\n")
    with pytest.raises(TableError, match=f"filled.csv, {message}"):
        mtl.apply_corrections(table(), tmp_path / "filled.csv")


def test_a_frame_without_the_columns_is_refused():
    with pytest.raises(TableError, match=r"corrections: no column 'label'; .* received: image, head"):
        mtl.apply_corrections(table(), pd.DataFrame({"image": ["a.jpg"], "head": ["kind"]}))


def test_what_nobody_knows_changes_nothing_and_is_counted():
    after = mtl.apply_corrections(table(), rows(("c.jpg", None, "kind", "?"), ("c.jpg", None, "age", "unknown")))
    pd.testing.assert_frame_equal(after.frame, table().frame)
    assert after.notes == tuple(f"corrections: {name}: 1 label that nobody knows, left out" for name in ("kind", "age"))


def test_corrections_of_a_part_fit_the_whole_table_and_its_other_parts_do_not():
    whole = table(kind=pd.Series(["cat", None, "dog", None], dtype="category"))
    part = whole.take([3, 2])
    filled = rows(("a.jpg", 3, "kind", "owl"))
    for one in (whole, part):
        assert mtl.apply_corrections(one, filled).frame["kind"].loc[3] == "owl"
    with pytest.raises(TableError, match="no row '3' in table, which has 2 rows"):
        mtl.apply_corrections(whole.take([0, 1]), filled)


def test_a_class_may_be_called_as_what_deletes():
    labels = mtl.data.LabelTable(
        pd.DataFrame({"image": ["a.jpg"], "kind": ["keep"]}), {"kind": mtl.ClassificationHead(["keep", "(delete)"])}
    )
    filled = rows(("a.jpg", 0, "kind", "(delete)"))
    assert mtl.apply_corrections(labels, filled).labels()["kind"].tolist() == [1]
    gone = mtl.apply_corrections(labels, rows(("a.jpg", 0, "kind", "#")), delete="#")
    assert gone.labels()["kind"].tolist() == [-1]


def test_a_read_table_keeps_every_other_cell(tmp_path):
    (tmp_path / "labels.csv").write_text("image,kind,age\na.jpg,cat,1\nb.jpg,NA,2\nc.jpg,dog,\n")
    read = mtl.data.read_csv(tmp_path / "labels.csv", {"kind": HEADS["kind"], "age": "regression"})
    after = mtl.apply_corrections(read, rows((None, 1, "kind", "owl"), ("c.jpg", None, "age", 3)))
    assert after.labels()["kind"].tolist() == [0, 2, 1]
    assert after.labels()["age"].ravel().tolist() == [1, 2, 3]
    assert after.root == read.root
    assert after.where(2) == read.where(2)
