"""Guessing the kind of head from the labels in a column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import infer_head
from mtlzoo.heads import HEADS, BinaryHead, ClassificationHead, MultiLabelHead, OrdinalHead, RegressionHead


def column(*labels, dtype=None) -> pd.Series:
    return pd.Series([*labels, None], dtype=dtype)


@pytest.mark.parametrize("dtype", [object, "category"])
@pytest.mark.parametrize(
    ("labels", "head"),
    [
        (["yes", "no", "yes"], BinaryHead(["no", "yes"])),
        (["1", "0"], BinaryHead(["0", "1"])),
        (["red", "blue", "green"], ClassificationHead(["blue", "green", "red"])),
        (["10", "9", "8"], ClassificationHead(["8", "9", "10"])),
        (["10-19", "2-9", "65+", "20-64"], ClassificationHead(["2-9", "10-19", "20-64", "65+"])),
        (["65+", "<65"], BinaryHead(["<65", "65+"])),
        (["hood;zip", "belt"], MultiLabelHead(["belt", "hood", "zip"])),
        (["hood|zip", "none"], MultiLabelHead(["hood", "zip"])),
        (["1.5", "2", "3"], RegressionHead()),
        ([str(number) for number in range(21)], RegressionHead()),
        ([str(number) for number in range(20)], ClassificationHead([str(number) for number in range(20)])),
    ],
)
def test_guesses(labels, head, dtype):
    assert infer_head(column(*labels, dtype=dtype)) == head


def test_numbers_and_truth_values_as_such():
    assert infer_head(pd.Series([True, False, True])) == BinaryHead(["False", "True"])
    assert infer_head(pd.Series([2.0, 1.0, np.nan, 3.0])) == ClassificationHead(["1", "2", "3"])
    assert infer_head(pd.Series([0.25, 1.0, np.nan])) == RegressionHead()


def test_a_guessed_head_reads_every_label():
    labels = column("red", "blue", "green", "blue")
    assert infer_head(labels).encode(labels).tolist() == [2, 0, 1, 0, -1]


@pytest.mark.parametrize(
    ("kind", "cls"),
    [("ordinal", OrdinalHead), ("classification", ClassificationHead), ("multilabel", MultiLabelHead)],
)
def test_the_kind_may_be_said(kind, cls):
    head = infer_head(column("1", "2", "3"), kind=kind)
    assert type(head) is cls
    assert head.names == ["1", "2", "3"]
    assert type(infer_head(column("1", "2", "3"), kind="regression")) is RegressionHead


def test_refusals():
    with pytest.raises(ValueError, match=f"unknown kind of head 'text', expected one of: {', '.join(HEADS)}"):
        infer_head(column("a", "b"), kind="text")
    for kind in (None, *HEADS):
        with pytest.raises(ValueError, match="no row has a label; leave this head out"):
            infer_head(pd.Series([None, None], dtype=object), kind=kind)
        with pytest.raises(ValueError, match="one label only, 'a', in 2 rows: nothing to learn; leave this head out"):
            infer_head(column("a", "a"), kind=kind)


def test_names_and_numbers_of_things_are_no_answers():
    names = column(*[f"photo {number}" for number in range(60)], *["photo 1"] * 30)
    with pytest.raises(ValueError, match=r"60 different labels in 90 rows look like names .*'photo 0', 'photo 1'"):
        infer_head(names)
    assert len(infer_head(names, kind="classification").names) == 60
    numbers = column(*[str(10_000 + number) for number in range(60)])
    with pytest.raises(ValueError, match=r"60 different labels in 60 rows look like names or numbers of things"):
        infer_head(numbers)
    assert infer_head(numbers, kind="regression") == RegressionHead()


@pytest.mark.parametrize("name", ["sender_id", "senderId", "Sender ID", "id", "breed-ids"])
def test_numbers_of_persons_are_no_quantity(name):
    numbers = pd.Series([str(number % 30) for number in range(200)], dtype=object, name=name)
    with pytest.raises(
        ValueError, match="30 different numbers under a name that ends in an id, such as '0', '1', are no"
    ):
        infer_head(numbers)
    assert infer_head(numbers, kind="regression") == RegressionHead()
    assert infer_head(numbers.rename("grid")) == RegressionHead()
    assert len(infer_head(numbers[numbers.astype(int) < 5]).names) == 5


def test_many_classes_and_many_quantities_are_answers():
    assert len(infer_head(column(*[f"class {number % 60}" for number in range(200)])).names) == 60
    assert infer_head(column(*[str(number % 70) for number in range(140)])) == RegressionHead()
    assert infer_head(column(*[str(number + 0.5) for number in range(100)])) == RegressionHead()


@pytest.mark.parametrize("text", ["{} kg", "{}%", "${}.50", "{},99 \u20ac", "{} \u00b0C"])
def test_many_numbers_with_a_unit_are_no_classes(text):
    labels = column(*[text.format(number) for number in range(30)])
    with pytest.raises(ValueError, match="30 different numbers with a unit"):
        infer_head(labels)
    assert len(infer_head(labels, kind="classification").names) == 30
    assert len(infer_head(column(*[text.format(number) for number in range(5)])).names) == 5


def test_two_lists_of_tags_are_no_two_answers():
    assert infer_head(column('["a", "b"]', '["a"]')).names == ["a", "b"]
    assert type(infer_head(column("['a']", "['b']"))) is MultiLabelHead
    assert infer_head(pd.Series([["a"], ["b", "c"]])).names == ["a", "b", "c"]


@pytest.mark.parametrize("cell", [{"a": 1}, b"a"])
def test_what_is_no_label_is_refused(cell):
    with pytest.raises(ValueError, match="expected texts, numbers or lists as labels, received"):
        infer_head(pd.Series([cell, "b"], dtype=object))
