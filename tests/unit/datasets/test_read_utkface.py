"""The layout of the UTKFace data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import FORMATS, TableError, read_utkface, split
from mtlzoo.heads import BinaryHead, ClassificationHead, OrdinalHead, RegressionHead

DATE = "20170116174525125"


@pytest.fixture
def write(tmp_path):
    """Writes files whose contents differ, unless said otherwise, and returns the folder."""

    def write(*names: str, contents: tuple[str, ...] | None = None) -> Path:
        for number, name in enumerate(names):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(contents[number] if contents else f"image {number}")
        return tmp_path

    return write


def answers(table) -> list[tuple]:
    """Age, gender, ethnicity and date of each row, `None` where missing."""
    rows = table.frame[["age", "gender", "ethnicity", "date"]].astype(object)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows.to_numpy()]


# === Names ===


@pytest.mark.parametrize("age", [0, 1, 25, 99, 100, 116])
@pytest.mark.parametrize(("gender", "label"), [(0, "male"), (1, "female")])
def test_age_and_gender(write, age, gender, label):
    table = read_utkface(write(f"{age}_{gender}_0_{DATE}.jpg.chip.jpg"))
    assert answers(table) == [(age, label, "white", DATE)]
    assert table.notes == ()


def test_ethnicities_and_heads(write):
    table = read_utkface(write(*[f"3{race}_0_{race}_{DATE}.jpg.chip.jpg" for race in range(5)]))
    assert table.frame["ethnicity"].tolist() == ["white", "black", "asian", "indian", "other"]
    assert table.heads == {
        "age": RegressionHead(hidden=[128]),
        "gender": BinaryHead(["male", "female"], hidden=[128]),
        "ethnicity": ClassificationHead(["white", "black", "asian", "indian", "other"], hidden=[128]),
    }
    labels = table.labels()
    assert labels["age"][:, 0].tolist() == [30, 31, 32, 33, 34]
    assert labels["gender"].tolist() == [0] * 5
    assert labels["ethnicity"].tolist() == [0, 1, 2, 3, 4]
    assert list(table.frame) == ["image", "age", "gender", "ethnicity", "date"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"25_1_3_{DATE}.jpg", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE}.JPG", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE}.jpeg", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE} .jpg.chip.jpg", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE}jpg.chip.jpg", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE}jpg", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE}.pg.chip.jpg", (25, "female", "indian", DATE)),
        (f"25_1_3_{DATE}.jpg.chip (1).jpg", (25, "female", "indian", DATE)),
        ("25_1_3_20170116.jpg", (25, "female", "indian", "20170116")),
        (f"61_1_{DATE}.jpg.chip.jpg", (61, "female", None, DATE)),
        (f"61_3_{DATE}.jpg.chip.jpg", (61, None, None, DATE)),
        (f"61_{DATE}.jpg.chip.jpg", (61, None, None, DATE)),
        (f"{DATE}.jpg.chip.jpg", (None, None, None, DATE)),
        (f"53__0_{DATE}.jpg.chip.jpg", (53, None, "white", DATE)),
        (f"_1_0_{DATE}.jpg.chip.jpg", (None, "female", "white", DATE)),
        (f"53_1__{DATE}.jpg.chip.jpg", (53, "female", None, DATE)),
        (f"200_1_0_{DATE}.jpg.chip.jpg", (None, "female", "white", DATE)),
        (f"117_1_0_{DATE}.jpg.chip.jpg", (None, "female", "white", DATE)),
        (f"-5_1_0_{DATE}.jpg.chip.jpg", (None, "female", "white", DATE)),
        (f"2.5_1_0_{DATE}.jpg.chip.jpg", (None, "female", "white", DATE)),
        (f"old_1_0_{DATE}.jpg.chip.jpg", (None, "female", "white", DATE)),
        (f"25_2_0_{DATE}.jpg.chip.jpg", (25, None, "white", DATE)),
        (f"25_1_5_{DATE}.jpg.chip.jpg", (25, "female", None, DATE)),
        ("25_1_3_.jpg.chip.jpg", (25, "female", "indian", None)),
        ("25_1_3_yesterday.jpg.chip.jpg", (25, "female", "indian", None)),
        ("25_1_3.jpg.chip.jpg", (25, "female", "indian", None)),
        ("25_1.jpg.chip.jpg", (None, None, None, None)),
        ("IMG_0_1.jpg", (None, None, None, None)),
        ("portrait.jpg", (None, None, None, None)),
        (f"25_1_3_0_{DATE}.jpg", (None, None, None, DATE)),
        ("25_1_3_0_4.jpg", (None, None, None, None)),
        (f"IMG_{DATE[:8]}_1.jpg", (None, None, None, None)),
        ("²_1_0_20170116174525125.jpg", (None, "female", "white", DATE)),
    ],
)
def test_what_cannot_be_read_is_missing(write, name, expected):
    assert answers(read_utkface(write(name))) == [expected]


def test_missing_labels_are_missing_to_the_heads(write):
    labelled = read_utkface(write(f"61_1_{DATE}.jpg", "portrait.jpg", f"53__0_{DATE}.jpg")).labelled()
    assert labelled["age"].tolist() == [True, True, False]
    assert labelled["gender"].tolist() == [False, True, False]
    assert labelled["ethnicity"].tolist() == [True, False, False]


def test_ages_can_be_read_as_levels(write):
    table = read_utkface(write(f"0_1_0_{DATE}.jpg", f"116_0_0_{DATE}.jpg", "portrait.jpg"))
    assert table.with_heads({"age": OrdinalHead(117)}).labels()["age"].tolist() == [0, 116, -1]


# === Folders ===


def test_images_are_sorted_and_nothing_else_is_read(write):
    folder = write(
        "crop/99_0_0_20170101000000000.jpg",
        "9_0_0_20170101000000000.jpg",
        "10_0_0_20170101000000000.jpg",
        "readme.txt",
        "._10_0_0_20170101000000000.jpg",
        "10_0_0_20170101000000000.png",
    )
    table = read_utkface(str(folder))
    assert table.frame["image"].tolist() == ["10_0_0_20170101000000000.jpg", "9_0_0_20170101000000000.jpg"]
    assert table.paths()[0] == str(folder / "10_0_0_20170101000000000.jpg")
    assert table.where(0) == f"{folder}, 10_0_0_20170101000000000.jpg"


def test_subfolders_are_read_where_the_folder_has_no_images(write):
    folder = write(
        f"part2/1_0_0_{DATE}.jpg",
        f"part1/2_0_0_{DATE}.jpg",
        f"inner/UTKFace/3_0_0_{DATE}.jpg.chip.jpg",
        f".cache/4_0_0_{DATE}.jpg",
        "readme.txt",
    )
    assert read_utkface(folder).frame["image"].tolist() == [
        f"inner/UTKFace/3_0_0_{DATE}.jpg.chip.jpg",
        f"part1/2_0_0_{DATE}.jpg",
        f"part2/1_0_0_{DATE}.jpg",
    ]
    assert read_utkface(folder / "part1").frame["age"].tolist() == [2]


def test_folders_without_images_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such folder: .*nowhere"):
        read_utkface(tmp_path / "nowhere")
    (tmp_path / "readme.txt").touch()
    with pytest.raises(TableError, match=r"no images; expected files such as 25_0_1_\d{17}.jpg.chip.jpg"):
        read_utkface(tmp_path)


def test_the_format_is_registered(write):
    assert FORMATS["utkface"](write(f"25_1_3_{DATE}.jpg")).frame["age"].tolist() == [25]


# === Notes ===


def test_notes_count_what_is_missing_or_odd(write):
    folder = write(
        f"20_0_0_{DATE}.jpg.chip.jpg",
        f"21_0_{DATE}.jpg.chip.jpg",
        f"22_1_{DATE}.jpg.chip.jpg",
        f"23_0_0_{DATE} .jpg.chip.jpg",
        f"24_0_0_{DATE}jpg.chip.jpg",
        f"25__0_{DATE}.jpg.chip.jpg",
    )
    assert read_utkface(folder).notes == (
        f"1 name without a readable gender: 25__0_{DATE}.jpg.chip.jpg",
        f"2 names without a readable ethnicity: 21_0_{DATE}.jpg.chip.jpg, 22_1_{DATE}.jpg.chip.jpg",
        f"1 name with a blank before the extension: 23_0_0_{DATE} .jpg.chip.jpg",
        f"1 name without the dot before the extension: 24_0_0_{DATE}jpg.chip.jpg",
    )


def test_notes_name_only_the_first(write):
    note = read_utkface(write(*[f"{number}.jpg" for number in range(10, 18)])).notes[0]
    assert note == "8 names without a readable age: 10.jpg, 11.jpg, 12.jpg, 13.jpg, 14.jpg, ..."


def test_identical_images_are_counted(write):
    names = [f"{age}_0_0_{DATE}.jpg" for age in (10, 11, 12, 13, 14)]
    folder = write(*names, f"14_1_0_{DATE}.jpg", f"__0_{DATE}.jpg", contents=("a", "b", "a", "a", "b", "c", "c"))
    assert read_utkface(folder).notes[-1] == (
        "3 groups of byte-identical images (7 rows), in 2 of them with different ages; `split` keeps each group on one "
        "side"
    )


def test_split_keeps_identical_images_on_one_side(write):
    contents = tuple(f"{number % 20:02}" for number in range(50))
    table = read_utkface(write(*[f"{number}_0_0_{DATE}.jpg" for number in range(50)], contents=contents))
    parts = split(table, [0.5, 0.5])
    sides = [{Path(path).read_text() for path in part.paths()} for part in parts]
    assert not sides[0] & sides[1]
    assert len(parts[0]) + len(parts[1]) == 50
    assert all(part.notes == table.notes != () for part in parts)


def test_notes_stay_with_other_heads_and_rows(write):
    table = read_utkface(write("portrait.jpg", f"25_1_3_{DATE}.jpg"))
    assert len(table.notes) == 3
    assert table.with_heads({"age": RegressionHead()}).notes == table.notes
    assert table.take([0]).notes == table.notes
    assert table.for_heads({"age": RegressionHead()}).notes == table.notes
    np.testing.assert_array_equal(table.take([1]).labels()["age"], [[np.nan]])
