from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from mtlzoo import heads
from mtlzoo.heads import BinaryHead, ClassificationHead, RegressionHead, get_heads


def test_every_kind_is_tested_like_all_others():
    from head_checks import HeadChecks

    modules = [importlib.import_module(path.stem) for path in Path(__file__).parent.glob("test_*_head.py")]
    classes = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    tested = {type(head) for cls in classes if issubclass(cls, HeadChecks) for head in getattr(cls, "heads", [])}
    assert tested == {cls for cls in heads.HEADS.values() if cls.__module__.startswith("mtlzoo.")}


def test_a_number_is_a_softmax_head_and_the_order_stays():
    made = get_heads({"b": 3, "a": BinaryHead(), "c": np.int64(2)})
    assert made == {"b": ClassificationHead(3), "a": BinaryHead(), "c": ClassificationHead(2)}
    assert list(made) == ["b", "a", "c"]


@pytest.mark.parametrize("wrong", [{}, [], None, 3, [("a", 3)]])
def test_heads_are_a_dictionary_with_something_in_it(wrong):
    with pytest.raises(ValueError, match="Expected a dictionary of heads"):
        get_heads(wrong)


@pytest.mark.parametrize("wrong", ["3", 2.5, True, None, BinaryHead, [1, 2]])
def test_what_is_no_head_is_refused_by_name(wrong):
    with pytest.raises(TypeError, match="head 'age' to be a head or a number of classes"):
        get_heads({"age": wrong})


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "a\ud800", 3, None])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="name of a head"):
        get_heads({name: 3})


def test_names_that_would_be_mistaken_for_validation_figures_are_refused():
    for wrong in ({"val": 3}, {"age": 3, "val_age": 3}):
        with pytest.raises(ValueError, match="marks validation metrics"):
            get_heads(wrong)
    assert list(get_heads({"val_age": 3, "value": 3})) == ["val_age", "value"]


def test_one_head_may_serve_several_names_since_what_one_learns_is_not_anothers():
    shared = RegressionHead()
    made = get_heads({"age": shared, "price": shared})
    assert made["age"] is made["price"] is shared
    age, price = (made["age"].adapted(np.array([[1.0], [3.0]])), made["price"].adapted(np.array([[100.0], [300.0]])))
    assert (age.mean, price.mean, shared.mean) == (2, 200, None)


def test_a_head_of_ones_own_travels_in_files_once_it_is_registered():
    class AgeHead(RegressionHead):
        pass

    with pytest.raises(ValueError, match="register_head"):
        heads.serialize({"age": AgeHead()})
    heads.register_head("age", AgeHead)
    try:
        made = heads.deserialize(heads.serialize({"age": AgeHead(hidden=[3])}))
        assert made == {"age": AgeHead(hidden=[3])}
        assert type(made["age"]) is AgeHead
        with pytest.raises(ValueError, match="Expected a new name for a kind of head, received: 'age'"):
            heads.register_head("age", BinaryHead)
    finally:
        del heads.HEADS["age"]


def test_an_unknown_kind_in_a_file_is_refused_with_the_list():
    with pytest.raises(ValueError, match="unknown kind 'mask', expected: binary, multilabel"):
        heads.deserialize({"age": {"kind": "mask", "config": {}}})
