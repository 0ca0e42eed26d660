"""Tags as cells list them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import infer_head, read_csv
from mtlzoo.heads import BinaryHead, ClassificationHead, LabelError, MultiLabelHead, deserialize, serialize

HATS = ["hat", "scarf"]


@pytest.mark.parametrize(
    ("cell", "row"),
    [
        ("hat;scarf", [1, 1]),
        ("scarf|hat", [1, 1]),
        ("hat, scarf", [1, 1]),
        ('["hat", "scarf"]', [1, 1]),
        ("['hat', 'scarf']", [1, 1]),
        (" [ 'scarf' ] ", [0, 1]),
        ("('hat', 'scarf')", [1, 1]),
        ("{'hat', 'scarf'}", [1, 1]),
        ("[hat, scarf]", [1, 1]),
        ("[hat]", [1, 0]),
        (["hat", "scarf"], [1, 1]),
        (("scarf",), [0, 1]),
        ({"hat"}, [1, 0]),
        (np.array(["hat", "scarf"]), [1, 1]),
        (["hat", ""], [1, 0]),
        ("[]", [0, 0]),
        ("()", [0, 0]),
        ("{}", [0, 0]),
        ([], [0, 0]),
        ("none", [0, 0]),
        ("['none']", [0, 0]),
        (";", [0, 0]),
        ("", [-1, -1]),
        (None, [-1, -1]),
        (float("nan"), [-1, -1]),
        ([None], [-1, -1]),
        ("[null]", [-1, -1]),
        (-1, [-1, -1]),
        ("-1", [-1, -1]),
    ],
)
def test_cells_are_read(cell, row):
    assert MultiLabelHead(HATS).encode([cell, "hat"]).tolist() == [row, [1, 0]]


@pytest.mark.parametrize(
    "cell",
    [
        "['hat' 'scarf']",
        "['hat''scarf']",
        "['hat', ['scarf']]",
        '{"hat": 1}',
        '["hat", null]',
        "['hat",
        "[" * 5000,
        [["hat"]],
    ],
)
def test_what_is_no_list_of_tags_is_refused(cell):
    with pytest.raises(LabelError, match=r"row 1: (expected tags, received no list of tags|unknown tag)") as caught:
        MultiLabelHead(HATS).encode(["hat", cell])
    assert len(str(caught.value)) < 300


def test_a_tag_may_look_like_a_list():
    assert MultiLabelHead(["[x]", "(y)", "z"]).encode(["[x]", "(y)", "(y);z", '["[x]", "z"]']).tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 1],
        [1, 0, 1],
    ]


# === The separator ===


def test_a_separator_of_ones_own():
    head = MultiLabelHead(["red, dark", "blue"], separator="/")
    assert head.encode(["red, dark / blue", "red, dark"]).tolist() == [[1, 1], [1, 0]]
    assert head.decode(np.array([[0.9, 0.8], [0.1, 0.2]]))["answer"].tolist() == ["red, dark/blue", "none"]
    assert deserialize(json.loads(json.dumps(serialize({"a": head}))))["a"] == head
    with pytest.raises(ValueError, match="Expected `separator` to be a text such as ';' or None, received: ' '"):
        MultiLabelHead(2, separator=" ")
    config = MultiLabelHead(HATS).get_config()
    assert config.pop("separator") is None
    assert MultiLabelHead.from_config(config) == MultiLabelHead(HATS)  # as older files have it


@pytest.mark.parametrize("names", [["a;b", "c"], ["none", "c"], ["[a]", "c"]])
def test_answers_can_be_read_back_whatever_the_tags_are_called(names):
    head, rows = MultiLabelHead(names), [[1, 1], [1, 0], [0, 1], [0, 0]]
    answers = head.decode(np.array(rows))["answer"].tolist()
    assert answers == [json.dumps([name for name, yes in zip(names, row) if yes]) for row in rows]
    assert head.encode(answers).tolist() == rows


def test_two_kinds_of_separators_are_in_doubt():
    labels = pd.Series(["red, dark;blue", "blue"], name="color")
    with pytest.raises(
        ValueError, match=r"there are ';' and ',' in its cells; .*--heads 'color=multilabel:separator=;'"
    ):
        infer_head(labels, kind="multilabel")
    assert infer_head(labels, kind="multilabel:separator=;") == MultiLabelHead(["blue", "red, dark"], separator=";")
    labels = pd.Series(['["red, dark", "blue"]', "[]", "['blue']"], name="color")
    assert infer_head(labels, kind="multilabel") == infer_head(labels) == MultiLabelHead(["blue", "red, dark"])


# === Columns ===


@pytest.mark.parametrize(
    "cells",
    [
        [["hat", "scarf"], ["hat"], [], None],
        [("hat", "scarf"), ("hat",), (), None],
        [{"hat", "scarf"}, {"hat"}, set(), None],
        ["['hat', 'scarf']", "['hat']", "[]", None],
        ['["hat", "scarf"]', '["hat"]', "[]", None],
    ],
)
def test_lists_are_guessed_to_be_tags(cells):
    labels = pd.Series(cells, dtype=object)
    head = infer_head(labels)
    assert head == infer_head(labels, kind="multilabel") == MultiLabelHead(HATS)
    assert head.encode(labels).tolist() == [[1, 1], [1, 0], [0, 0], [-1, -1]]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["0.1;0.2", "0.3;0.4"], 2),
        (["200;150;20;30", "0;0;9;1"], 4),
        (["[10, 20, 50, 60]", "[1, 2, 3, 4]"], 4),
        ([[10, 20, 50, 60], (1, 2, 3, 4)], 4),
        ([[[10, 20], [50, 60]], [[1, 2], [3, 4]]], 4),
        (["(200, 150)", "(20, 30)"], 2),
    ],
)
def test_points_and_boxes_are_no_tags_and_no_classes(cells, numbers):
    with pytest.raises(
        ValueError, match=f"all its cells list {numbers} numbers, as points and boxes do, .*landmarks, box"
    ):
        infer_head(pd.Series(cells, dtype=object))


def test_ranges_and_numbered_tags_are_no_points():
    assert infer_head(pd.Series(["(0, 2)", "(4, 6)", "(8, 12)"])) == ClassificationHead(["(0, 2)", "(4, 6)", "(8, 12)"])
    assert type(infer_head(pd.Series(["[1]", "[2]"]))) is BinaryHead
    assert infer_head(pd.Series(["1;2", "3"])) == MultiLabelHead(["1", "2", "3"])


def test_a_table_of_lists(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "image,a\n"
        + "".join(f"{n}.png,{cell}\n" for n, cell in enumerate(["\"['hat', 'scarf']\"", "['hat']", "[]"] * 3))
    )
    for heads in (None, {"a": "multilabel"}):
        table = read_csv(path, heads)
        assert table.heads == {"a": MultiLabelHead(HATS)}
        assert table.labels()["a"].tolist() == [[1, 1], [1, 0], [0, 0]] * 3
