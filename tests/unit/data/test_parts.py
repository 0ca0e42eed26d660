"""A published split: columns that say each row's part."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import LabelTable, TableError, pack, read_csv, read_packed, split
from mtlzoo.errors import InputError
from mtlzoo.heads import BinaryHead


def write(folder, parts, column="split", labels=("no", "yes")):
    rows = [f"{row}.jpg,{labels[row % len(labels)]},{part}" for row, part in enumerate(parts)]
    path = folder / "labels.csv"
    path.write_text("\n".join([f"image,kids,{column}", *rows]) + "\n", encoding="utf-8")
    return path


def names(table):
    return [int(image.removesuffix(".jpg")) for image in table.frame["image"]]


@pytest.mark.parametrize("column", ["split", "Set", "part", "subset", "partition", "usage"])
@pytest.mark.parametrize(
    "words", [("train", "val", "test"), ("Training", "VALIDATION", "testing"), ("train", "dev", "test")]
)
def test_a_column_of_parts_is_no_head(tmp_path, column, words):
    table = read_csv(write(tmp_path, words * 4, column))
    assert list(table.heads) == ["kids"]
    assert table.split == column
    assert [names(rows) for rows in table.parts()] == [list(range(part, 12, 3)) for part in range(3)]
    (note,) = table.notes
    assert note.startswith(
        f"column {column!r} says the parts (name it among the heads if it is one): 4 rows {words[0]}"
    )
    assert table.frame[column].tolist() == [*words] * 4


def test_named_among_the_heads_it_is_a_head(tmp_path):
    path = write(tmp_path, ["train", "test"] * 4)
    for heads in (["split", "kids"], {"split": None}, {"split": BinaryHead(["train", "test"])}):
        table = read_csv(path, heads)
        assert "split" in table.heads
        assert table.split is None
    table = read_csv(path, ignore=["split"])
    assert list(table.heads) == ["kids"]
    assert table.split is None
    with pytest.raises(TableError, match=r"labels.csv: no column says each row's part; name one \(split_column="):
        table.parts()


def test_a_usual_name_is_not_enough(tmp_path):
    table = read_csv(write(tmp_path, ["left", "right"] * 4))
    assert list(table.heads) == ["kids", "split"]
    table = read_csv(write(tmp_path, ["train", "bus"] * 4, "vehicle"))
    assert list(table.heads) == ["kids", "vehicle"]
    assert "'train' is read as a label; if the column says the parts" in table.notes[-1]
    with pytest.raises(TableError, match="'split' says train, valid or test in some rows and 'eval' in others"):
        read_csv(write(tmp_path, ["train", "eval"] * 4))
    assert read_csv(write(tmp_path, ["train"] * 4)).split == "split"
    assert read_csv(write(tmp_path, ["train"] * 4, "vehicle"), ["kids"]).split is None


def test_words_that_are_no_parts_are_told(tmp_path):
    path = write(tmp_path, ["train", "test", "holdout"] * 4)
    with pytest.raises(
        TableError, match=r"'split' says train, valid or test in some rows and 'holdout' in others: .*ignore"
    ):
        read_csv(path)
    with pytest.raises(TableError, match=r"column 'split': expected train, valid .*, received 'holdout'\."):
        read_csv(path, split_column="split")
    assert read_csv(path, heads=["kids"]).split is None
    with pytest.raises(TableError, match="no column 'fold' of parts; the columns are: image, kids, split"):
        read_csv(path, split_column="fold")


def test_two_such_columns_are_in_doubt(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("image,kids,split,set\n" + "".join(f"{n}.jpg,{'ny'[n % 2]},train,test\n" for n in range(4)))
    with pytest.raises(
        TableError, match=r"the columns 'split', 'set' all say train, valid or test: name one \(split_column="
    ):
        read_csv(path)
    table = read_csv(path, split_column="split", ignore=["set"])
    assert list(table.heads) == ["kids"]
    assert len(table.part("train")) == 4


def test_numbers_are_parts_only_where_told(tmp_path):
    path = write(tmp_path, [0, 1, 2] * 4, "partition")
    with pytest.raises(
        TableError, match=r"'partition' holds '0', '1', '2', which may say .* \(split_column='partition'"
    ):
        read_csv(path)
    assert list(read_csv(path, ["kids", "partition"]).heads) == ["kids", "partition"]
    assert list(read_csv(path, ignore=["partition"]).heads) == ["kids"]
    assert list(read_csv(write(tmp_path, [0, 1, 2] * 4, "stage")).heads) == ["kids", "stage"]
    gaps = read_csv(write(tmp_path, ["0.0", "1.0", "2.0", ""] * 3, "partition"), split_column="partition")
    assert [names(rows)[0] for rows in gaps.parts()] == [0, 1, 2]
    table = read_csv(path, split_column="partition")
    assert list(table.heads) == ["kids"]
    assert [names(rows)[0] for rows in table.parts()] == [0, 1, 2]
    with pytest.raises(TableError, match="0, 1 and 2 mean train, valid and test, but some of them do not occur"):
        read_csv(write(tmp_path, [0, 1] * 4, "partition"), split_column="partition")


def test_a_part_that_nobody_published_is_split_off(tmp_path):
    train, valid, test = read_csv(write(tmp_path, ["train"] * 30 + ["test"] * 10)).parts(valid=0.2)
    assert (len(train), len(valid), names(test)) == (24, 6, list(range(30, 40)))
    for rows in (train, valid, test):
        assert rows.notes[-1] == "column 'split' has no valid rows: 6 for valid of 30 train rows"
    train, valid, test = read_csv(write(tmp_path, ["train"] * 40)).parts(seed=1)
    assert sorted(names(train) + names(valid) + names(test)) == list(range(40))
    assert len(valid) == len(test) == 4
    with pytest.raises(TableError, match="no row of the part 'train' in column 'split'"):
        read_csv(write(tmp_path, ["test"] * 4)).parts()


def test_groups_stay_together_in_what_is_split_off(tmp_path):
    path = tmp_path / "labels.csv"
    rows = [f"{n}.jpg,{'ny'[n % 2]},{'test' if n > 30 else 'train'},{n // 4}" for n in range(40)]
    path.write_text("\n".join(["image,kids,split,sender", *rows]))
    train, valid, _ = read_csv(path, group="sender").parts(0.3, group="sender")
    assert not set(train.frame["sender"]) & set(valid.frame["sender"])


def test_rows_without_a_part_are_left_out_or_told(tmp_path):
    path = write(tmp_path, ["train", "val", "test", ""] * 3, labels=("no", "no", "no", "yes"))
    table = read_csv(path)
    assert "3 rows without a part" in table.notes[-1]
    train, valid, test = table.parts()
    assert names(train) + names(valid) + names(test) == [0, 4, 8, 1, 5, 9, 2, 6, 10]
    left_out, lost = train.notes[-2:]
    assert left_out.startswith("3 rows without a part in column 'split' are left out (rest='train'")
    assert lost == "without them no row has the label 'yes' of 'kids'"
    assert names(table.parts(rest="train")[0]) == [0, 3, 4, 7, 8, 11]
    with pytest.raises(InputError, match="Expected `rest` to be None or one of train, valid, test, received: 'other'"):
        table.parts(rest="other")


def test_a_marker_for_missing_is_no_part(tmp_path):
    table = read_csv(write(tmp_path, ["train", "val", "test", "NA", "-", "none"] * 2))
    assert list(table.heads) == ["kids"]
    assert "6 rows without a part" in table.notes[-1]
    assert [len(rows) for rows in table.parts()] == [2, 2, 2]
    assert read_csv(tmp_path / "labels.csv", split_column="split").split == "split"


def test_one_part_by_itself(tmp_path):
    table = read_csv(write(tmp_path, ["train", "val"] * 3))
    assert names(table.part("valid")) == names(table.part("val")) == [1, 3, 5]
    assert table.part("valid").split is None
    with pytest.raises(TableError, match="no row of the part 'test' in column 'split', only: train, valid"):
        table.part("test")
    with pytest.raises(InputError, match="Expected a part to be one of train, valid, test, received: 'all'"):
        table.part("all")


def test_the_long_layout_has_parts_too(tmp_path):
    path = tmp_path / "labels.csv"
    rows = [
        f"{n}.jpg,{head},{label},{('train', 'test')[n % 2]}"
        for n in range(8)
        for head, label in (("a", n % 4 // 2), ("b", n))
    ]
    path.write_text("\n".join(["image,head,label,split", *rows]))
    table = read_csv(path)
    assert list(table.heads) == ["a", "b"]
    assert names(table.part("test")) == [1, 3, 5, 7]
    path.write_text("image,head,label,split\n0.jpg,a,no,train\n0.jpg,b,yes,test\n")
    with pytest.raises(
        TableError, match=r"lines 2, 3: 0.jpg has different values for the column 'split': 'train', 'test'"
    ):
        read_csv(path, layout="long")


def test_parts_of_a_table_from_a_frame():
    frame = pd.DataFrame({"image": ["a", "b", "c", "d"], "kids": [0, 1, 1, 0], "fold": [0.0, 2.0, 1.0, np.nan]})
    table = LabelTable(frame, {"kids": BinaryHead()}, split="fold")
    assert [rows.frame["image"].tolist() for rows in table.parts()] == [["a"], ["c"], ["b"]]
    assert len(table.take([0, 1]).part("test")) == len(table.with_heads({"kids": BinaryHead()}).part("test")) == 1
    with pytest.raises(TableError, match="no column 'part' of parts"):
        LabelTable(frame, {}, split="part")
    with pytest.raises(TableError, match=r"column 'image': expected train, .*received 'a', 'b', 'c', 'd'"):
        LabelTable(frame, {}, split="image").parts()


def test_packed_tables_keep_their_parts(tmp_path):
    for row in range(4):
        cv2.imwrite(str(tmp_path / f"{row}.jpg"), np.full((8, 8, 3), row, np.uint8))
    again = read_packed(pack(read_csv(write(tmp_path, ["train", "val", "test", "train"])), tmp_path / "packed"))
    assert again.split == "split"
    assert [names(rows) for rows in again.parts()] == [[0, 3], [1], [2]]


def test_a_split_by_chance_says_that_there_is_another(tmp_path):
    for rows in split(read_csv(write(tmp_path, ["train", "test"] * 10)), [0.5, 0.5]):
        assert rows.notes[-1] == "split by chance, whatever the column 'split' says; table.parts() follows it"
