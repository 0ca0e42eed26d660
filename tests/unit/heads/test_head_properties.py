"""Properties of heads: formats of boxes there and back, settings through JSON, labels encoded and decoded."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import mtlzoo as mtl
from mtlzoo.heads.box_formats import FORMATS, from_corners, to_corners

NAMES = st.lists(st.text("abcdefgh äß日", min_size=1, max_size=6), min_size=2, max_size=6, unique_by=str.strip).filter(
    lambda names: all(name == name.strip() and name for name in names)
)
COMMON = st.fixed_dictionaries(
    {},
    optional={
        "hidden": st.lists(st.integers(1, 64), max_size=2),
        "activation": st.sampled_from(["relu", "gelu"]),
        "dropout": st.floats(0, 0.9),
        "loss_weight": st.floats(0, 10),
    },
)
SMOOTHING = st.floats(0, 0.9)


def heads(kind, *values, **settings):
    """Heads of a kind, with settings of its own and common ones."""
    return st.builds(
        lambda given, own, common: kind(*given, **own, **common),
        st.tuples(*values),
        st.fixed_dictionaries({}, optional=settings),
        COMMON,
    )


FORMAT = st.sampled_from(FORMATS)
PAIR = st.just(["left", "right"])
HEADS = {
    "classification": heads(mtl.ClassificationHead, NAMES, label_smoothing=SMOOTHING, class_weight=st.just("balanced")),
    "binary": heads(
        mtl.BinaryHead, NAMES.map(lambda names: names[:2]), metric=st.just("auc"), logit_adjustment=st.floats(0, 2)
    ),
    "multilabel": heads(mtl.MultiLabelHead, NAMES, threshold=st.floats(0.1, 0.9), label_smoothing=SMOOTHING),
    "ordinal": heads(mtl.OrdinalHead, NAMES, class_weight=st.just("balanced")),
    "regression": heads(mtl.RegressionHead, mean=st.floats(-9, 9), scale=st.floats(0.1, 9)),
    "expectation": heads(mtl.ExpectationHead, st.just((0, 9)), spread=st.floats(0, 5), scale=st.floats(0.1, 9)),
    "landmark": heads(mtl.LandmarkHead, PAIR, loss=st.sampled_from(["wing", "l1"]), normalizer=PAIR),
    "box": heads(mtl.BoxHead, format=FORMAT, loss=st.sampled_from(["giou", "giou+l1", "mse", "smooth_l1"])),
    "detection": heads(mtl.DetectionHead, NAMES, format=FORMAT, max_objects=st.integers(1, 9)),
    "dual_task": heads(mtl.DualTaskHead, canvas=st.floats(1, 500), scale_shape=st.booleans(), format=FORMAT),
}


def test_no_kind_is_left_out():
    kinds = {kind for kind, cls in mtl.heads.HEADS.items() if cls.__module__.startswith("mtlzoo.")}
    assert len(HEADS) == len(kinds)


@pytest.mark.parametrize("kind", HEADS)
@given(data=st.data())
def test_a_head_is_made_again_from_its_settings(kind, data):
    head = data.draw(HEADS[kind])
    again = type(head).from_config(json.loads(json.dumps(head.get_config())))
    assert again == head
    assert again.get_config() == head.get_config()
    assert again.describe() == head.describe()


@pytest.mark.parametrize("kind", ["classification", "ordinal"])
@given(data=st.data())
def test_names_of_classes_are_encoded_and_read_back(kind, data):
    head = data.draw(HEADS[kind])
    cells = data.draw(st.lists(st.sampled_from([*head.names, None]), min_size=1, max_size=8))
    targets = head.encode(cells)
    assert head.labelled(targets).tolist() == [cell is not None for cell in cells]
    assert [head.names[int(target)] if target >= 0 else None for target in targets] == cells
    certain = np.eye(len(head.names))[np.maximum(targets.astype(int), 0)]
    answers = list(head.decode(certain)["answer"])
    assert [answer for answer, cell in zip(answers, cells) if cell is not None] == [c for c in cells if c is not None]


@given(st.lists(st.one_of(st.none(), st.sets(st.sampled_from(["hood", "belt", "zip"]))), min_size=1, max_size=8))
def test_tags_are_encoded_and_read_back(cells):
    head = mtl.MultiLabelHead(["hood", "belt", "zip"])
    targets = head.encode([None if cell is None else sorted(cell) for cell in cells])
    assert head.labelled(targets).tolist() == [cell is not None for cell in cells]
    for target, cell in zip(targets, cells):
        if cell is not None:
            assert {name for name, yes in zip(head.names, target) if yes == 1} == cell


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=8))
def test_numbers_are_encoded_as_they_are(cells):
    targets = mtl.RegressionHead().encode(cells).reshape(-1)
    np.testing.assert_allclose(targets, [np.nan if cell is None else cell for cell in cells], rtol=1e-6, atol=1e-30)


NUMBER, SIDE = st.floats(0, 1000), st.floats(0.5, 500)


@pytest.mark.parametrize("format", FORMATS)
@given(st.lists(st.tuples(NUMBER, NUMBER, SIDE, SIDE), min_size=1, max_size=4))
def test_formats_of_boxes_go_there_and_back(format, boxes):
    boxes = np.array(boxes)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    np.testing.assert_allclose(to_corners(from_corners(corners, format), format), corners, atol=1e-6)


@pytest.mark.parametrize("format", [format for format in FORMATS if not format.startswith("rel_")])
@given(st.floats(2, 90), st.floats(2, 90), st.floats(1, 9), st.floats(1, 9))
def test_a_labelled_box_lies_where_it_is_written_whatever_the_format(format, x, y, width, height):
    corners = np.array([[x, y, x + width, y + height]])
    assume((corners != corners.astype(int)).any())
    written = mtl.BoxHead(format=format).encode([from_corners(corners, format)[0].tolist(), None])
    plain = mtl.BoxHead(format="xyxy").encode([corners[0].tolist(), None])
    np.testing.assert_allclose(to_corners(written[:1], format), plain[:1], atol=1e-3)
    assert np.isnan(written[1]).all()
