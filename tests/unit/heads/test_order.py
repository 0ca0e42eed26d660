"""Levels are put in order by their numbers or not at all, and kinds of heads as texts say them."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import TableError, infer_head, read_csv
from mtlzoo.heads import (
    BinaryHead,
    BoxHead,
    ClassificationHead,
    ExpectationHead,
    LandmarkHead,
    MultiLabelHead,
    OrdinalHead,
    RegressionHead,
)


def column(*labels, name="size"):
    return pd.Series([*labels, None], name=name, dtype=object)


@pytest.mark.parametrize(
    "levels",
    [
        ["2", "9", "10"],
        ["-5", "0", "1.5", "1e3"],
        ["0-2", "4-6", "8-13", "15-20", "25-32", "38-43", "48-53", "60-100"],
        ["(0, 2)", "(4, 6)", "(8, 12)", "(60, 100)"],
        ["0\u20132", "3\u20135", "10\u201312"],
        ["<18", "18 to 25", "26 - 59", "60+"],
        ["under 18", "18-65", "over 65"],
        ["5%", "10%", "100%"],
        ["2 cm", "10 cm"],
        ["1 year", "2 years", "10 years"],
        ["<5 mm", "5-10 mm", ">10 mm"],
        ["grade 1", "Grade 2", "grade 10"],
        ["T1", "T2", "T10"],
        ["$5", "$10"],
        ["0-10", "10-20", "20-30"],
        ["1", "2-3", "4 or more"],
    ],
)
def test_numbers_and_ranges_are_put_in_their_order(levels):
    for seed in range(3):
        shuffled = random.Random(seed).sample(levels, len(levels))
        assert infer_head(column(*shuffled), kind="ordinal") == OrdinalHead(levels)


@pytest.mark.parametrize(
    ("levels", "why"),
    [
        (["S", "M", "L", "XL"], "'L' is no number"),
        (["Jan", "Feb", "Mar"], "'Feb' is no number"),
        (["Monday", "Tuesday"], "'Monday' is no number"),
        (["low", "medium", "high"], "'high' is no number"),
        (["I", "II", "IV", "IX"], "'I' is no number"),
        (["A", "B", "C"], "'A' is no number"),
        (["A1", "B1"], "'A1' and 'B1' differ in more than their numbers"),
        (["1", "2", "many"], "'many' is no number"),
        (["3 months", "1 year"], "differ in more than their numbers"),
        (["0-5", "3-8"], "'0-5' and '3-8' overlap"),
        (["(8, 12)", "(8, 23)"], "overlap"),
        (["1.5", "1.50", "2"], "overlap"),
        (["60+", "70+"], "overlap"),
        (["T-1", "T-2"], "'T-1' is no number"),
        (["1/2", "3/4"], "'1/2' is no number"),
        (["2020-01", "2020-02"], "'2020-01' is no number"),
        (["1_0", "2"], "'1_0' is no number"),
        (["1a", "1b"], "differ in more than their numbers"),
        (["1st", "2nd"], "differ in more than their numbers"),
    ],
)
def test_all_else_asks_for_the_order(levels, why):
    with pytest.raises(ValueError, match=r"the order of its \d levels cannot be told, as .*" + why) as caught:
        infer_head(column(*levels), kind="ordinal")
    message = str(caught.value)
    assert 'heads={\'size\': mtl.OrdinalHead(["LOWEST", ..., "HIGHEST"])}' in message
    assert "--heads size=ordinal:LOWEST,...,HIGHEST" in message
    assert all(repr(level) in message for level in levels)
    assert len(message.splitlines()) == 1


def test_the_error_of_a_table_names_file_and_head_and_stays_short(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("image,dress size\n" + "".join(f"{n}.png,{'SML'[n % 3] * 10_000}\n" for n in range(6)))
    with pytest.raises(TableError, match=r"labels.csv: head 'dress size': the order of its 3 levels") as caught:
        read_csv(path, heads={"dress size": "ordinal"})
    assert len(str(caught.value)) < 1000


def test_an_order_is_never_guessed():
    for levels in (["S", "M", "L"], ["0-2", "4-6", "8-13"], ["1", "2", "3"]):
        assert type(infer_head(column(*levels))) is ClassificationHead


# === Kinds as texts ===


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("ordinal:S,M,L", OrdinalHead(["S", "M", "L"])),
        ('ordinal: "less, or none", M ,"L"', OrdinalHead(["less, or none", "M", "L"])),
        (
            "ordinal:S,M,L,dropout=0.5,class_weight=balanced",
            OrdinalHead(["S", "M", "L"], dropout=0.5, class_weight="balanced"),
        ),
        ("binary:-1,1", BinaryHead(["-1", "1"])),
        ("classification:a=b,c", ClassificationHead(["a=b", "c"])),
        ("classification:label_smoothing=0.1", ClassificationHead(["L", "M", "S"], label_smoothing=0.1)),
        ("multilabel:separator=/", MultiLabelHead(["L", "M", "S"], separator="/")),
        ("landmarks:left,right,format=xy", LandmarkHead(["left", "right"], format="xy")),
        ("box:format=xywh", BoxHead(format="xywh")),
        ("regression:loss=mae", RegressionHead(loss="mae")),
    ],
)
def test_a_kind_may_bring_names_and_arguments(kind, head):
    assert infer_head(column("S", "M", "L"), kind=kind) == head


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("text:a,b", "unknown kind of head 'text:a,b', expected one of: binary, "),
        ("multilabel:seperator=/", "unknown argument 'seperator', did you mean 'separator'?"),
        ("classification:dropout=much", "no ClassificationHead has such arguments: dropout=much"),
        ("ordinal:S,,L", "expected names with one comma between, received 'S,,L'"),
        ("regression:a,b", "expected no names for a head of the kind regression, received 'a', 'b'"),
        ("ordinal:S,S", "Expected names that differ"),
        ("box:format=rows", "Expected `format` to be one of rel_xyxy"),
    ],
)
def test_kinds_that_cannot_be(kind, message):
    with pytest.raises(ValueError, match=message):
        infer_head(column("S", "M", "L"), kind=kind)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["0-2", "4-6"], "expected numbers, received '0-2'; for ranges and levels take an ordinal head"),
        (["1", "inf"], "expected numbers, received 'inf'"),
        (["0", "5000"], r"more than 1000 bins of one each; give the bins: mtl.ExpectationHead\(np.linspace"),
    ],
)
def test_an_expectation_wants_numbers(labels, message):
    with pytest.raises(ValueError, match=message):
        infer_head(column(*labels), kind="expectation")
    assert infer_head(column("3", "10"), kind="expectation") == ExpectationHead((3, 10))


# === Names and numbers ===


@pytest.mark.parametrize(
    ("names", "cell", "index"),
    [
        (["1.0", "2.0"], 1.0, 0),
        (["1.0", "2.0"], "2", 1),
        (["1", "2"], 2.0, 1),
        (["001", "002"], 2, 1),
        (["1", "1.0"], "1.0", 1),
        (["0.5", "1.5"], 1.5, 1),
        (["0.50", "1.5"], 0.5, 0),
        (["1E5", "2E5"], "2E5", 1),
        (["-1", "1"], -1, 0),
        (["-1", "0", "1"], "-1.0", 0),
        (["a", "b"], -1, -1),
        (["a", "b"], "-1", -1),
        (["1_0", "20"], "1_0", 0),
    ],
)
def test_a_class_is_found_by_its_text_then_by_its_number(names, cell, index):
    assert ClassificationHead(names).encode([cell]).tolist() == [index]


@pytest.mark.parametrize(("names", "cell"), [(["01", "1.0"], 1), (["10", "20"], "1_0"), (["1", "2"], 0)])
def test_a_number_that_is_no_class_or_two_is_unknown(names, cell):
    with pytest.raises(ValueError, match=f"unknown label {cell!r}, expected one of"):
        ClassificationHead(names).encode([cell])


@pytest.mark.parametrize("cells", [[-1, 1, 1], ["-1", "1"], [1.0, -1.0, None], np.array([-1, 1]), [-1, True]])
@pytest.mark.parametrize("head", [BinaryHead(), ClassificationHead(2), OrdinalHead(["low", "high"])])
def test_minus_one_and_one_are_told(head, cells):
    with pytest.raises(
        ValueError, match=r'received only -1 and 1, .*BinaryHead\(labels=\["-1", "1"\]\).*missing=\[-1\]'
    ):
        head.encode(cells)


def test_minus_one_is_missing_where_nothing_else_can_be_meant():
    assert BinaryHead().encode([-1, 0, 1]).tolist() == [-1, 0, 1]
    assert BinaryHead().encode(["-1", "yes"]).tolist() == [-1, 1]
    assert BinaryHead(["-1", "1"]).encode([-1, 1, "-1"]).tolist() == [0, 1, 0]
    assert ClassificationHead(3).encode([-1, 0, 1, "-1"]).tolist() == [-1, 0, 1, -1]
    assert ClassificationHead(3).encode([-1, 1]).tolist() == [-1, 1]


def test_a_matrix_of_signs_is_told():
    head = MultiLabelHead(["a", "b"])
    with pytest.raises(ValueError, match=r"row 1: expected 0 and 1, received only -1 and 1, .*write 0 for tags"):
        head.encode(np.array([[1, 1], [1, -1]]))
    np.testing.assert_array_equal(head.encode(np.array([[1, 0], [1, -1]])), [[1, 0], [1, -1]])
    np.testing.assert_array_equal(head.encode(np.array([[1, 1], [-1, -1]])), [[1, 1], [-1, -1]])
