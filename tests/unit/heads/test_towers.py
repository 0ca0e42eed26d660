"""Heads of one tower agree in its layers, and only heads on shared features have one."""

from __future__ import annotations

import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError
from mtlzoo.heads import get_heads


def test_a_tower_is_a_setting_that_encoding_ignores():
    plain, head = (mtl.BinaryHead(hidden=[8], tower=tower) for tower in (None, "shape"))
    assert head.tower == "shape"
    assert head != plain
    assert head.encoding_key() == plain.encoding_key()
    assert mtl.BinaryHead.from_config(head.get_config()) == head
    assert "tower" not in repr(plain)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: mtl.BinaryHead(tower="shape"),
            r"hidden layers to share for tower='shape', such as hidden=\[64\], received none",
        ),
        (lambda: mtl.BinaryHead(hidden=[8], tower=""), "`tower` as a name that some heads share, received: ''"),
        (lambda: mtl.BinaryHead(hidden=[8], tower=3), "`tower` as a name that some heads share, received: 3"),
        (
            lambda: mtl.BoxHead(hidden=[8], tower="shape"),
            "for tower='shape', received: a BoxHead, with features of its own",
        ),
        (
            lambda: mtl.BinaryHead(hidden=[8], tower="shape", pooling="attention"),
            "for tower='shape', received: pooling='attention', with features of its own",
        ),
    ],
)
def test_towers_that_cannot_be(make, message):
    with pytest.raises(HeadError, match=message):
        make()


@pytest.mark.parametrize("other", [{"hidden": [4]}, {"activation": "gelu"}, {"dropout": 0.5}])
def test_heads_of_one_tower_agree(other):
    settings = {"hidden": [8], "tower": "shape"}
    heads = {"a": mtl.BinaryHead(**settings), "b": 3, "c": mtl.RegressionHead(**{**settings, **other})}
    (wrong,) = other
    with pytest.raises(
        HeadError,
        match=rf"heads of tower 'shape' to agree in .*'a' with .*; 'c' with .*{wrong}={other[wrong]!r}".replace(
            "[", r"\["
        ),
    ):
        get_heads(heads)
    assert list(get_heads({**heads, "c": heads["c"].with_settings(tower="other")})) == ["a", "b", "c"]
