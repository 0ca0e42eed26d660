"""What means that a label is missing: the same rule for every reader and every head."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from written import column, refusal, write

from mtlzoo.data import LabelTable, TableError, pack, read_csv, read_packed
from mtlzoo.heads import (
    BinaryHead,
    ClassificationHead,
    ExpectationHead,
    LandmarkHead,
    MultiLabelHead,
    OrdinalHead,
    RegressionHead,
)

AGES = [*[age + 0.5 for age in range(25)], *range(25)]
MARKERS = ["NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "?", "-", "--", "<NA>"]
WORDS = ["None", "none", "nil", "unknown", "missing"]


def labelled(table: LabelTable) -> int:
    return int(table.labelled()["a"].sum())


# === Numbers ===


@pytest.mark.parametrize("marker", [*MARKERS, *WORDS])
def test_among_numbers_every_marker_is_missing(tmp_path, marker):
    table = column(tmp_path, [*AGES, marker, marker])
    assert type(table.heads["a"]) is RegressionHead
    assert labelled(table) == 50
    assert table.notes == (f'a: 2 cells "{marker}" are missing: all other cells are numbers',)
    assert f'2 cells "{marker}" are missing' in table.describe()


@pytest.mark.parametrize(
    "head", ["regression", "classification", "ordinal", RegressionHead(), ExpectationHead(range(101))]
)
def test_whatever_head_is_asked_for(tmp_path, head):
    table = column(tmp_path, [1, 2, 3, "NA", "unknown"] * 3, heads={"a": head})
    assert labelled(table) == 9
    assert any("NA" in note and "unknown" in note for note in table.notes)


def test_numbers_with_other_texts_are_no_classes(tmp_path):
    path = write(tmp_path, "image,a\n" + "".join(f"{row}.png,{row % 40}\n" for row in range(80)) + "x.png,old\n")
    message = refusal(path)
    assert "40 different numbers and beside them 'old'" in message
    assert "missing=['old']" in message
    table = read_csv(path, missing=["old"])
    assert type(table.heads["a"]) is RegressionHead
    assert labelled(table) == 80


# === Texts ===


@pytest.mark.parametrize("marker", MARKERS)
def test_among_texts_what_programs_write_is_missing_with_a_note(tmp_path, marker):
    table = column(tmp_path, ["yes", "no", marker] * 3)
    assert table.heads["a"] == BinaryHead()
    assert labelled(table) == 6
    assert any(f'"{marker}" are missing' in note and "missing=[]" in note for note in table.notes)


@pytest.mark.parametrize("word", WORDS)
def test_among_texts_what_people_write_is_a_label_with_a_note(tmp_path, word):
    table = column(tmp_path, ["hat", "scarf", word] * 3)
    assert word in table.heads["a"].names
    assert labelled(table) == 9
    assert any(f'"{word}" are read as a label' in note and f"missing=['{word}']" in note for note in table.notes)


def test_a_minus_beside_a_plus_is_a_label(tmp_path):
    table = column(tmp_path, ["+", "-"] * 3)
    assert table.heads["a"] == BinaryHead(["+", "-"])
    assert labelled(table) == 6


def test_none_is_no_tag_at_all(tmp_path):
    table = column(tmp_path, ["hat;scarf", "none", "NA"] * 3)
    assert table.heads["a"] == MultiLabelHead(["hat", "scarf"])
    assert table.labels()["a"][:3].tolist() == [[1, 1], [0, 0], [-1, -1]]
    assert not any("none" in note for note in table.notes)


# === -1 ===


def test_minus_one_among_class_ids(tmp_path):
    table = column(tmp_path, [0, 1, 2, -1] * 9)
    assert table.heads["a"] == ClassificationHead(["0", "1", "2"])
    assert labelled(table) == 27
    assert any('9 cells "-1" are missing' in note for note in table.notes)
    kept = column(tmp_path, [0, 1, 2, -1] * 9, missing=[])
    assert kept.heads["a"] == ClassificationHead(["-1", "0", "1", "2"])


def test_uncertain_is_missing_as_in_chexpert(tmp_path):
    table = column(tmp_path, ["-1.0", "0.0", "1.0", ""] * 5)
    assert table.heads["a"] == BinaryHead(["0", "1"])
    assert labelled(table) == 10
    assert any("uncertain" in note for note in table.notes)


def test_two_answers_as_in_celeba(tmp_path):
    table = column(tmp_path, [-1, 1] * 5)
    assert table.heads["a"] == BinaryHead(["-1", "1"])
    assert table.labels()["a"].tolist() == [0, 1] * 5
    assert any("-1 and 1 are read as two labels" in note for note in table.notes)


@pytest.mark.parametrize("numbers", [range(-5, 4), [degrees / 2 for degrees in range(-5, 40)]])
def test_minus_one_among_other_negative_numbers_is_a_number(tmp_path, numbers):
    table = column(tmp_path, [*numbers] * 3)
    assert labelled(table) == 3 * len(numbers)
    assert table.notes == ()


def test_minus_one_among_ages(tmp_path):
    table = column(tmp_path, [*range(117), *range(117), -1, -1, -1])
    assert type(table.heads["a"]) is RegressionHead
    assert labelled(table) == 234
    assert any('3 cells "-1" are missing' in note and "missing=[]" in note for note in table.notes)


def test_other_sentinels_are_shown(tmp_path):
    table = column(tmp_path, [*range(117), *range(117), -999])
    assert labelled(table) == 235
    assert any("missing=[-999]" in note for note in table.notes)
    assert labelled(column(tmp_path, [*range(117), *range(117), -999], missing=[-999])) == 234


# === Told ===


@pytest.mark.parametrize("missing", [["unknown"], "unknown", {"a": ["unknown"]}, {"a": "unknown"}])
def test_markers_can_be_told(tmp_path, missing):
    table = column(tmp_path, ["yes", "no", "unknown", "NA"] * 9, missing=missing)
    assert table.heads["a"] == BinaryHead()
    assert labelled(table) == 18
    assert '9 cells "unknown" are missing' in table.describe()


def test_told_markers_are_numbers_too(tmp_path):
    assert column(tmp_path, ["1", "2", "3", "9.0"] * 3, missing=[9]).heads["a"] == ClassificationHead(["1", "2", "3"])


def test_no_marker_at_all(tmp_path):
    table = column(tmp_path, ["yes", "no", "NA", ""] * 3, missing=[])
    assert table.heads["a"].names == ["NA", "no", "yes"]
    assert labelled(table) == 9
    path = write(tmp_path, "image,a\n0.png,yes\n1.png,NA\n")
    assert "line 3 (1.png): head 'a': unknown label 'NA'" in refusal(path, heads={"a": BinaryHead()}, missing=[])


def test_names_of_a_given_head_are_labels(tmp_path):
    head = ClassificationHead(["NA", "None", "yes"])
    table = column(tmp_path, ["yes", "NA", "None", "?"] * 3, heads={"a": head}, missing=["NA"])
    assert table.labels()["a"][:4].tolist() == [2, 0, 1, -1]
    assert column(tmp_path, ["yes", "no", "NA"] * 3, heads={"a": BinaryHead()}).labels()["a"].tolist() == [1, 0, -1] * 3


def test_what_cannot_be_told(tmp_path):
    path = write(tmp_path, "image,a\n0.png,yes\n1.png,no\n")
    assert "unknown column 'b', expected some of: a" in refusal(path, missing={"b": ["x"]})
    with pytest.raises(TypeError, match="Expected `missing` to be a list"):
        read_csv(path, missing=object())


# === Everywhere ===


def test_the_long_layout(tmp_path):
    lines = [f"{row}.png,a,{label}\n{row}.png,b,{row}" for row, label in enumerate(["yes", "no", "NA", "unknown"] * 9)]
    table = read_csv(write(tmp_path, "\n".join(["image,head,label", *lines])), heads=["a"], missing=["unknown"])
    assert table.heads == {"a": BinaryHead()}
    assert labelled(table) == 18


def test_tables_from_frames():
    frame = pd.DataFrame({"image": list("abcd"), "a": ["yes", "NA", None, "no"], "n": ["1.5", "unknown", "?", 2.0]})
    frame["points"] = ["1;2", "NA;NA", "NA", None]
    heads = {"a": BinaryHead(), "n": RegressionHead(), "points": RegressionHead(2)}
    table = LabelTable(frame, heads)
    assert table.labels()["a"].tolist() == [1, -1, -1, 0]
    np.testing.assert_array_equal(table.labels()["n"][:, 0], [1.5, np.nan, np.nan, 2])
    assert table.labelled()["points"].tolist() == [True, False, False, False]
    assert '1 cell "NA" is missing' in table.describe()
    named = LabelTable(frame, {"a": ClassificationHead(["NA", "no", "yes"])})
    assert named.labels()["a"].tolist() == [2, 0, -1, 1]
    with pytest.raises(TableError, match="unknown label 'NA'"):
        LabelTable(frame, {"a": BinaryHead()}, literal=frozenset(["a"])).labels()


def test_packed_tables_keep_what_was_decided(tmp_path):
    for row in range(5):
        cv2.imwrite(str(tmp_path / f"{row}.png"), np.full((4, 4, 3), row, np.uint8))
    labels, ages = ["yes", "no", "unknown", "NA", "3"], [1, 2, 3, -1, 2]
    lines = "".join(f"{row}.png,{label},{age}\n" for row, (label, age) in enumerate(zip(labels, ages)))
    table = read_csv(write(tmp_path, "image,a,age\n" + lines), missing=["unknown", 3], heads=["a", "age"])
    assert table.labelled()["age"].tolist() == [True, True, False, False, True]
    again = read_packed(pack(table, tmp_path / "packed"))
    for name, targets in table.labels().items():
        np.testing.assert_array_equal(again.labels()[name], targets)


def test_points(tmp_path):
    table = column(tmp_path, ["0.1;0.2", "NA", "NA;NA", "?"], heads={"a": LandmarkHead(1)})
    assert table.labelled()["a"].tolist() == [True, False, False, False]


def test_ordinal_by_kind(tmp_path):
    table = column(tmp_path, ["1", "2", "3", "NA"] * 3, heads={"a": "ordinal"})
    assert table.heads["a"] == OrdinalHead(["1", "2", "3"])


# === What is left when -1 and others are gone ===


def test_minus_one_beside_one_other_number_is_the_negative_answer_only_beside_1(tmp_path):
    assert column(tmp_path, [-1, 1] * 4).heads["a"].names == ["-1", "1"]
    for other in (0, 2):
        path = write(tmp_path, "image,a\n" + "".join(f"{row}.png,{(-1, other)[row % 2]}\n" for row in range(8)))
        assert f"one label only, '{other}', in 4 rows" in refusal(path)


def test_minus_one_is_uncertain_in_every_column_of_a_table_where_it_is_in_one(tmp_path):
    rows = "".join(f"{row}.png,{(-1.0, 0.0, 1.0)[row % 3]},{(-1.0, 1.0)[row % 2]}\n" for row in range(12))
    path = write(tmp_path, "image,edema,fracture\n" + rows)
    assert "head 'fracture': one label only, '1', in 6 rows" in refusal(path)
    table = read_csv(path, heads=["edema"])
    assert int(table.labelled()["edema"].sum()) == 8


@pytest.mark.parametrize("minus_one", [-1, "-1.0"])
def test_minus_one_alone_among_texts_is_missing(tmp_path, minus_one):
    table = column(tmp_path, ["cat", "dog", minus_one] * 3)
    assert table.heads["a"].names == ["cat", "dog"]
    assert f'3 cells "{minus_one}" are missing: the only number among texts' in table.notes[0]
    assert column(tmp_path, ["cat", "dog", -1] * 3, missing=[]).heads["a"].names == ["-1", "cat", "dog"]


def test_words_are_missing_among_ranges(tmp_path):
    table = column(tmp_path, ['"(0, 2)"', '"(4, 6)"', "35", "None"] * 3)
    assert table.heads["a"].names == ["(0, 2)", "(4, 6)", "35"]
    assert table.notes == ('a: 3 cells "None" are missing: all other cells are ranges',)
    table = column(tmp_path, ['"(25, 32)"', '"(4, 6)"', "None"] * 3, heads={"a": "ordinal"})
    assert table.heads["a"].names == ["(4, 6)", "(25, 32)"]


@pytest.mark.parametrize("word", ["Not Available", "UNDEFINED", "Unsure", "Tbd"])
def test_words_in_any_case(tmp_path, word):
    assert labelled(column(tmp_path, [*AGES, word])) == 50


def test_bins_are_read_as_numbers_are():
    frame = pd.DataFrame({"image": ["a.png", "b.png"], "a": ["unknown", "3"]})
    assert labelled(LabelTable(frame, {"a": ExpectationHead((0, 5))})) == 1


def test_few_texts_among_whole_numbers_are_noted_and_among_decimals_refused(tmp_path):
    table = column(tmp_path, [1, 2, 3, "big"] * 3)
    assert table.heads["a"].names == ["1", "2", "3", "big"]
    assert '3 cells "big" are read as a label, and all other cells are numbers' in table.notes[0]
    for numbers in ([1.5, 2.5, "big"], [*range(30), "a", "b", "c", "d"]):
        path = write(tmp_path, "image,a\n" + "".join(f"{row}.png,{cell}\n" for row, cell in enumerate(numbers)))
        assert "different numbers and beside them" in refusal(path)


def test_a_number_far_above_all_others_is_noted(tmp_path):
    assert "far above all others" in column(tmp_path, [0, 1, 2, 999] * 3).notes[0]
    assert not column(tmp_path, [20, 40, 99] * 3).notes


# === Lists of tags ===


def test_a_list_of_markers_is_missing_and_a_marker_among_tags_is_refused(tmp_path):
    for cells in (["a;b", "a", "NA;NA"], ["a|b", "a", "NA"], ['"[""a"", ""b""]"', '"[""a""]"', '"[""NA""]"']):
        table = column(tmp_path, cells * 3, heads={"a": "multilabel"})
        assert table.heads["a"].names == ["a", "b"]
        assert labelled(table) == 6
    for head in (None, "multilabel"):
        path = write(tmp_path, "image,a\n0.png,a;b\n1.png,b;NA\n2.png,a\n")
        assert '"NA" in "b;NA" says that a label is missing' in refusal(path, heads={"a": head})
        assert read_csv(path, heads={"a": head}, missing=[]).heads["a"].names == ["NA", "a", "b"]
    path = write(tmp_path, "image,a\n0.png,a;b\n1.png,b;u\n2.png,a\n")
    assert '"u" in "b;u" says that a label is missing' in refusal(path, missing=["u"])
    head = MultiLabelHead(["a", "NA"])
    assert labelled(column(tmp_path, ["a;NA", "NA", "a"], heads={"a": head})) == 3


def test_bins_below_zero_keep_minus_one(tmp_path):
    assert labelled(column(tmp_path, [-1, 0, 1] * 3, heads={"a": ExpectationHead((-1, 1))})) == 9
    assert labelled(column(tmp_path, [-1, 0, 1] * 3, heads={"a": ExpectationHead((0, 2))})) == 6


def test_markers_among_numbers_of_a_kind_that_is_asked_for(tmp_path):
    for kind, cells in (("landmarks", ["0.5;0.5;NA;NA", "0.1;0.2;0.3;0.4"]), ("box", ["1;2;3;4", "NA;NA;NA;NA"])):
        table = column(tmp_path, cells * 3, heads={"a": kind})
        assert labelled(table) == (6 if kind == "landmarks" else 3)
