"""Heads that are asked only where other heads have certain labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mtlzoo.errors import HeadError
from mtlzoo.heads import (
    BinaryHead,
    BoxHead,
    ClassificationHead,
    DetectionHead,
    DualTaskHead,
    ExpectationHead,
    LandmarkHead,
    MultiLabelHead,
    OrdinalHead,
    RegressionHead,
    deserialize,
    get_heads,
    serialize,
)
from mtlzoo.heads.conditions import (
    asked_by_labels,
    asked_by_predictions,
    check_conditions,
    probability_asked,
    without_inapplicable,
)

GARMENT = ClassificationHead(["coat", "skirt", "dress"])
TREE = {
    "length": OrdinalHead(["short", "long"], only_if={"garment": ["skirt", "dress"]}),
    "garment": GARMENT,
    "hem": RegressionHead(only_if={"length": "long"}),
}


def labels_of(heads, **cells):
    return {name: heads[name].encode(values) for name, values in cells.items()}


def test_conditions_are_kept_as_plain_values_and_travel_in_files():
    head = BinaryHead(only_if={"garment": ("skirt", "skirt"), "size": 3, "kids": True})
    assert head.only_if == {"garment": ["skirt"], "size": ["3"], "kids": ["True"]}
    assert deserialize(json.loads(json.dumps(serialize(TREE)))) == TREE
    assert BinaryHead(only_if={}).only_if is None
    assert "only_if={'garment': ['skirt']}" in repr(BinaryHead(only_if={"garment": "skirt"}))


def test_conditions_do_not_change_how_cells_are_read():
    assert BinaryHead(only_if={"a": "b"}).encoding_key() == BinaryHead().encoding_key()


@pytest.mark.parametrize(
    "only_if", [5, "garment", ["garment"], {"garment": []}, {"garment": {"a": 1}}, {1: "a"}, {"a": [1.5]}]
)
def test_what_is_no_condition_is_refused(only_if):
    with pytest.raises(HeadError, match="Expected `only_if`"):
        BinaryHead(only_if=only_if)


def test_an_unknown_class_is_named_with_the_nearest():
    with pytest.raises(HeadError, match=r"'kids' is asked only if 'garment' is 'skrit', .* did you mean 'skirt'\?"):
        get_heads({"garment": GARMENT, "kids": BinaryHead(only_if={"garment": "skrit"})})
    with pytest.raises(HeadError, match=r"the classes are: 'coat', 'skirt', 'dress'\."):
        get_heads({"garment": GARMENT, "kids": BinaryHead(only_if={"garment": "7"})})


def test_a_parent_needs_classes():
    with pytest.raises(HeadError, match="a head with classes or tags, received 'price', a RegressionHead"):
        get_heads({"price": RegressionHead(), "kids": BinaryHead(only_if={"price": "3"})})


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_circle_is_refused_in_one_line(names):
    heads = {
        name: ClassificationHead(["x", "y"], only_if={parent: "x"})
        for name, parent in zip(names, [*names[1:], names[0]])
    }
    with pytest.raises(HeadError, match=" -> ".join([*names, "a"])):
        get_heads({"z": BinaryHead(), **heads})


def test_a_parent_may_be_missing_in_a_table_and_not_in_a_model():
    child = {"length": TREE["length"]}
    get_heads(child)
    with pytest.raises(HeadError, match=r"expected a head 'garment' beside it, received: 'length'. Add it, or drop"):
        check_conditions(child, complete=True)


def test_parents_rule_labels_out_and_unknown_ones_do_not():
    labels = labels_of(
        TREE,
        garment=["coat", "skirt", None, "dress", "skirt", "coat"],
        length=["long", "long", "long", "short", None, None],
        hem=[1, 2, 3, 4, 5, 6],
    )
    asked = asked_by_labels(TREE, labels)
    assert asked["length"].tolist() == [0, 2, 1, 2, 2, 0]
    assert asked["hem"].tolist() == [0, 2, 2, 0, 1, 0]  # of what is not asked nothing else is
    masked = without_inapplicable(TREE, labels)
    assert masked["garment"] is labels["garment"]
    assert masked["length"].tolist() == [-1, 1, 1, 0, -1, -1]
    assert np.isnan(masked["hem"][:, 0]).tolist() == [True, False, False, True, False, True]
    assert labels["length"].tolist() == [1, 1, 1, 0, -1, -1]  # what was given stays


def test_several_parents_have_to_agree():
    heads = {
        "a": BinaryHead(),
        "b": MultiLabelHead(["x", "y"]),
        "c": ClassificationHead(3, only_if={"a": "yes", "b": ["x", "y"]}),
    }
    labels = labels_of(heads, a=["yes", "yes", "no", None, "yes"], b=["x", "none", "x", "y", None], c=[0, 1, 2, 0, 1])
    assert asked_by_labels(heads, labels)["c"].tolist() == [2, 0, 0, 1, 1]
    assert without_inapplicable(heads, labels)["c"].tolist() == [0, -1, -1, 0, 1]


def test_a_tag_that_nobody_knows_rules_nothing_out():
    heads = {"tags": MultiLabelHead(["x", "y"]), "size": BinaryHead(only_if={"tags": "x"})}
    labels = {"tags": np.array([[-1, 1], [0, 1], [1, -1], [-1, -1]]), "size": np.ones(4, "float32")}
    assert asked_by_labels(heads, labels)["size"].tolist() == [1, 0, 2, 1]


def test_what_says_so_by_itself_is_no_class():
    heads = {"garment": GARMENT, "hem": ClassificationHead(["long", "not applicable"], only_if={"garment": "skirt"})}
    with pytest.raises(HeadError, match="expected no class 'not applicable' beside `only_if`"):
        get_heads(heads)


CHILDREN = [
    (ClassificationHead(["x", "y"]), ["x", "y"]),
    (ClassificationHead(["x", "y"]), [[0.2, 0.8], "y"]),
    (BinaryHead(), ["yes", "no"]),
    (MultiLabelHead(["x", "y"]), ["x", "none"]),
    (OrdinalHead(["s", "l"]), ["s", "l"]),
    (RegressionHead(), [3, 4]),
    (ExpectationHead((0, 9)), [3, 4]),
    (LandmarkHead(1), [[0.1, 0.2], [0.3, 0.4]]),
    (BoxHead(), [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]]),
    (DetectionHead(["x"]), [[["x", 0.1, 0.2, 0.3, 0.4]], []]),
    (DualTaskHead(), [["triangle", 1, 2, 3, 4], ["rectangle", 1, 2, 3, 4]]),
]


@pytest.mark.parametrize(("head", "cells"), CHILDREN, ids=lambda value: type(value).__name__)
def test_every_kind_of_label_can_be_ruled_out(head, cells):
    heads = {"garment": GARMENT, "child": head.with_settings(only_if={"garment": "coat"})}
    labels = labels_of(heads, garment=["coat", "skirt"], child=cells)
    assert head.labelled(labels["child"]).tolist() == [True, True]
    masked = without_inapplicable(heads, labels)["child"]
    assert head.labelled(masked).tolist() == [True, False]
    np.testing.assert_array_equal(masked[0], labels["child"][0])


def test_predictions_follow_those_of_the_parents():
    outputs = {
        "garment": np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]], "float32"),
        "length": np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]], "float32"),
        "hem": np.array([[1], [2], [3]], "float32"),
    }
    asked = asked_by_predictions(TREE, outputs)
    assert {name: rows.tolist() for name, rows in asked.items()} == {
        "length": [False, True, True],
        "hem": [False, True, False],
    }
    probability = probability_asked(TREE, outputs)
    np.testing.assert_allclose(probability["length"], [0.5, 0.8, 0.9], rtol=1e-6)
    np.testing.assert_allclose(probability["hem"], [0.5 * 0.9, 0.8 * 0.8, 0.9 * 0.1], rtol=1e-6)


def test_one_of_several_tags_is_enough():
    heads = {"tags": MultiLabelHead(["x", "y", "z"]), "size": BinaryHead(only_if={"tags": ["x", "y"]})}
    outputs = {"tags": np.array([[0.1, 0.6, 0.9], [0.4, 0.4, 0.9]], "float32"), "size": np.zeros((2, 1), "float32")}
    assert asked_by_predictions(heads, outputs)["size"].tolist() == [True, False]
    np.testing.assert_allclose(probability_asked(heads, outputs)["size"], [1 - 0.9 * 0.4, 1 - 0.6 * 0.6], rtol=1e-6)


def test_nothing_happens_without_conditions_and_without_rows():
    heads = {"garment": GARMENT}
    labels = labels_of(heads, garment=["coat"])
    assert asked_by_labels(heads, labels) == {} == asked_by_labels({}, {})
    assert without_inapplicable(heads, labels)["garment"] is labels["garment"]
    empty = labels_of(TREE, garment=[], length=[], hem=[])
    assert len(without_inapplicable(TREE, empty)["hem"]) == 0
