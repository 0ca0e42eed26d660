"""Properties of boxes' overlap: bounds, symmetry, and what does not change it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from mtlzoo.images.boxes import giou_loss, iou

NUMBER = st.floats(0, 1, width=32)
SIDE = st.floats(2**-6, 1, width=32)
BOX = st.tuples(NUMBER, NUMBER, SIDE, SIDE).map(lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3]))


def overlap(box, other) -> float:
    return float(iou(np.float32([box]), np.float32([other]))[0])


@given(BOX, BOX)
def test_overlap_is_from_nothing_to_one_and_the_same_both_ways(box, other):
    value = overlap(box, other)
    assert 0 <= value <= 1 + 1e-5
    assert value == pytest.approx(overlap(other, box), abs=1e-5)
    assert overlap(box, box) == pytest.approx(1, abs=1e-5)


@given(BOX, BOX, st.floats(0.5, 100))
def test_overlap_has_no_unit_and_no_axis_comes_first(box, other, factor):
    value = overlap(box, other)
    assert overlap(np.multiply(box, factor), np.multiply(other, factor)) == pytest.approx(value, abs=1e-4)
    assert overlap(np.take(box, [1, 0, 3, 2]), np.take(other, [1, 0, 3, 2])) == pytest.approx(value, abs=1e-5)


@given(BOX, BOX)
def test_the_loss_is_bounded_by_the_overlap(box, other):
    loss = float(ops.convert_to_numpy(giou_loss(np.float32([box]), np.float32([other])))[0])
    assert 1 - overlap(box, other) - 1e-5 <= loss <= 2 + 1e-5
