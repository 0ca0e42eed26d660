"""Heads whose labels exist only where another head has certain labels."""

from __future__ import annotations

import pandas as pd
import pytest

from mtlzoo.data import LabelTable, find_conditions, split
from mtlzoo.errors import HeadError
from mtlzoo.heads import ClassificationHead, RegressionHead

HEADS = {
    "kind": ClassificationHead(["pear", "milk", "juice"]),
    "brand": ClassificationHead(["a", "b"]),
    "fat": RegressionHead(),
}


def table_of(rows: int = 60, **changes) -> LabelTable:
    kinds = ["pear", "milk", "juice"] * (rows // 3)
    frame = {
        "image": [f"{row}.jpg" for row in range(rows)],
        "kind": kinds,
        "brand": [None if kind == "pear" else "ab"[row // 3 % 2] for row, kind in enumerate(kinds)],
        "fat": [row if kind == "milk" else None for row, kind in enumerate(kinds)],
        **changes,
    }
    return LabelTable(pd.DataFrame(frame), HEADS, source="labels.csv")


def test_conditions_are_found_told_and_taken_up():
    table = table_of()
    assert find_conditions(table) == {"brand": {"kind": ["milk", "juice"]}, "fat": {"kind": ["milk"]}}
    line = table.describe().splitlines()[2]
    assert "labelled only where kind is 'milk': ask it only there by `only_if`, table.with_conditions()" in line
    conditional = table.with_conditions()
    assert conditional.heads["fat"].only_if == {"kind": ["milk"]}
    assert conditional.heads["kind"] is table.heads["kind"]
    assert find_conditions(conditional) == {}
    assert conditional.describe().splitlines()[2].endswith("asked only if kind is 'milk'")


def test_a_few_answers_may_be_forgotten():
    fat = [row if row % 3 == 1 and row != 4 else None for row in range(60)]
    assert find_conditions(table_of(fat=fat))["fat"] == {"kind": ["milk"]}
    fat = [row if row % 3 == 1 and row > 10 else None for row in range(60)]
    assert "fat" not in find_conditions(table_of(fat=fat))


def test_one_label_elsewhere_speaks_against_it():
    fat = [row if row % 3 == 1 or row == 0 else None for row in range(60)]
    assert "fat" not in find_conditions(table_of(fat=fat))  # a pear has one
    kinds = [None if row == 1 else ["pear", "milk", "juice"][row % 3] for row in range(60)]
    assert "fat" not in find_conditions(table_of(kind=kinds))  # a row without a kind has one


def test_few_rows_prove_nothing():
    assert find_conditions(table_of(12)) == {}


def test_labels_that_a_parent_rules_out_are_not_used_and_counted():
    table = table_of(fat=list(range(60))).with_conditions({"fat": {"kind": ["milk"]}})
    assert table.labelled()["fat"].sum() == 20
    assert table.describe().splitlines()[2].endswith("asked only if kind is 'milk'; 40 labels elsewhere are not used")
    assert HEADS["fat"].labelled(table.labels(all_written=True)["fat"]).all()
    parts = split(table, [0.5, 0.5], seed=0)
    assert sum(part.labelled()["fat"].sum() for part in parts) == 20


def test_what_cannot_be_met_is_refused():
    with pytest.raises(ValueError, match="Expected conditions of the heads kind, brand, fat, received also: 'price'"):
        table_of().with_conditions({"price": {"kind": ["milk"]}})
    with pytest.raises(HeadError, match="which it never is"):
        table_of().with_conditions({"fat": {"kind": ["cheese"]}})
    with pytest.raises(HeadError, match="kind -> brand -> kind"):
        table_of().with_conditions({"brand": {"kind": ["milk"]}, "kind": {"brand": ["a"]}})
