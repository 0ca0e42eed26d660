"""Properties of tables: no row is lost or doubled by a split, and what is written to a CSV file is read from it."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import mtlzoo as mtl
from mtlzoo.data import LabelTable, read_csv, split

FRACTIONS = st.lists(st.integers(1, 9), min_size=2, max_size=3).map(lambda parts: [n / sum(parts) for n in parts])
CLASSES = ["red", "green", "blue"]


def table_of(labels, groups) -> LabelTable:
    images = [f"{row}.png" for row in range(len(labels))]
    frame = pd.DataFrame({"image": images, "color": pd.Series(labels, dtype=object), "sender": groups})
    return LabelTable(frame, {"color": mtl.ClassificationHead(CLASSES)})


@given(
    st.lists(st.tuples(st.sampled_from([*CLASSES, None]), st.integers(0, 9)), min_size=20, max_size=80),
    FRACTIONS,
    st.integers(0, 99),
)
def test_rows_of_a_split_are_there_once_and_groups_stay_together(rows, fractions, seed):
    labels, groups = zip(*rows)
    groups = np.array([*groups[:-3], *"abc"], object)  # as many groups as there may be parts
    table = table_of(labels, groups)
    parts = split(table, fractions, group="sender", seed=seed, identical=False)
    assert sorted(image for part in parts for image in part.frame["image"]) == sorted(table.frame["image"])
    senders = [set(part.frame["sender"]) for part in parts]
    assert sum(map(len, senders)) == len(set.union(*senders))
    assert all(len(part) for part in parts)
    again = split(table, fractions, group="sender", seed=seed, identical=False)
    assert [part.paths() for part in again] == [part.paths() for part in parts]


@given(st.lists(st.sampled_from([*CLASSES, None]), min_size=30, max_size=120), FRACTIONS, st.integers(0, 99))
def test_fractions_are_kept_for_each_label(labels, fractions, seed):
    parts = split(table_of(labels, np.arange(len(labels))), fractions, seed=seed, identical=False)
    for part, fraction in zip(parts, fractions):
        assert abs(len(part) - fraction * len(labels)) <= 2
        for name in CLASSES:
            assert abs((part.frame["color"] == name).sum() - fraction * labels.count(name)) <= 2


# Nothing that would be told by its looks to be a number, a missing label, or several tags.
NAME = st.text(st.characters(categories=["Lu", "Ll"]), min_size=4, max_size=8).map(lambda text: f"k {text}")


@given(st.data(), st.lists(NAME, min_size=2, max_size=4, unique_by=str.casefold), st.sampled_from([",", ";", "\t"]))
def test_a_written_table_is_read_as_it_was(data, names, separator):
    rows = st.lists(st.sampled_from([*names, None]), min_size=len(names), max_size=20)
    labels = [*names, *data.draw(rows)]
    ages = data.draw(st.lists(st.one_of(st.none(), st.integers(0, 99)), min_size=len(labels), max_size=len(labels)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=separator)
            writer.writerow(["image", "kind", "age"])
            writer.writerows((f"{row}.png", kind or "", age) for row, (kind, age) in enumerate(zip(labels, ages)))
        table = read_csv(path, {"kind": mtl.ClassificationHead(names), "age": mtl.RegressionHead()})
    targets = table.labels()
    assert [names[int(target)] if target >= 0 else None for target in targets["kind"]] == labels
    np.testing.assert_array_equal(targets["age"].reshape(-1), [np.nan if age is None else age for age in ages])
    assert table.labelled()["kind"].tolist() == [label is not None for label in labels]
