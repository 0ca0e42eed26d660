"""Targets given as arrays are checked before a step: what a loss cannot read would poison the weights without a word.

Each function takes the numbers of some rows, refuses the first row that is wrong, and gives back what is right in float32
and in the one shape that its kind of head has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mtlzoo.errors import LabelError

# A dataset with this attribute holds what `encode` and `to_input_space` returned, and is not checked again.
CHECKED = "_mtlzoo_checked"
SUM_TOLERANCE = 0.01  # of soft labels in half precision
# Of fractions of the side: augmentation moves points out of input space; pixels and sentinels lie farther off.
BEYOND_POINTS, BEYOND_BOXES = 0.5, 1e-3


def class_targets(targets: np.ndarray, classes: int) -> np.ndarray:
    """Class ids `(rows,)` or `(rows, 1)`, or probabilities `(rows, classes)`, as probabilities; all zero where missing."""
    expected = f"an id from 0 to {classes - 1}, or -1 where missing"
    if targets.ndim == 2 and targets.shape[1] == classes:
        rows = targets.astype("float32")
        missing = np.isnan(rows).any(axis=1) | (rows == -1).all(axis=1)
        rows[missing] = 0
        totals = rows.sum(axis=1)
        wrong = (rows < 0).any(axis=1) | ~((np.abs(totals - 1) <= SUM_TOLERANCE) | (totals == 0))
        _refuse(wrong, targets, f"{classes} numbers of at least 0 that sum to 1, or zeros where missing")
        return rows
    if targets.ndim != 1 and targets.shape[1:] != (1,):
        raise LabelError(
            0, f"expected ids of shape (rows,) or probabilities (rows, {classes}), received shape {_shape(targets)}"
        )
    ids = targets.reshape(-1)
    missing = (ids == -1) | np.isnan(ids)
    whole = np.where(missing, 0, ids)
    _refuse((whole < 0) | (whole >= classes) | (whole != np.floor(whole)), ids, expected)
    rows = np.zeros((len(ids), classes), "float32")
    rows[np.arange(len(ids)), whole.astype("int64")] = ~missing
    return rows


def tag_targets(targets: np.ndarray, tags: int = 1) -> np.ndarray:
    """Numbers from 0 to 1 for each tag, `-1` or `NaN` where missing."""
    values = _columns(targets, (tags,))
    wrong = ~(((values >= 0) & (values <= 1)) | (values == -1) | np.isnan(values))
    _refuse(wrong, targets, "0 or 1 (or a number between), or -1 where missing")
    return values


def number_targets(
    targets: np.ndarray, shape: Sequence[int], lowest: float = -math.inf, highest: float = math.inf
) -> np.ndarray:
    """Finite numbers within limits, `NaN` where missing."""
    values = _columns(targets, shape)
    limits = "" if math.isinf(highest) else f" from {lowest:g} to {highest:g}"
    wrong = np.isinf(values) | (values < lowest) | (values > highest)
    _refuse(wrong, targets, f"a finite number{limits}, or NaN where missing")
    return values


def point_targets(targets: np.ndarray, points: int) -> np.ndarray:
    """Points in fractions of the sides of input space, `NaN` where missing."""
    values = _columns(targets, (points, 2))
    wrong = (values < -BEYOND_POINTS) | (values > 1 + BEYOND_POINTS)
    _refuse(wrong, targets, "points from 0 to 1, relative to the sides of the input, or NaN where missing")
    return values


def box_targets(targets: np.ndarray) -> np.ndarray:
    """Boxes x_min, y_min, x_max, y_max in fractions of the sides of input space; `NaN` where missing."""
    values = _columns(targets, (4,))
    _refuse(_wrong_boxes(values), targets, "a box x_min, y_min, x_max, y_max from 0 to 1, or NaN where missing")
    return values


def shape_targets(targets: np.ndarray, corners: Sequence[int], side: float) -> np.ndarray:
    """A shape of 0 or 1 and, at the given places, its box in pixels of a canvas; `NaN` where missing."""
    values = _columns(targets, (5,))
    labelled = ~np.isnan(values).any(axis=1)
    wrong = labelled & (~np.isin(values[:, 0], (0, 1)) | _wrong_boxes(values[:, corners], side))
    _refuse(wrong, targets, f"0 or 1, and left, right, top, bottom from 0 to {side:g}, or NaN where missing")
    return values


def object_targets(targets: np.ndarray, classes: int) -> np.ndarray:
    """Objects `(rows, objects, 4 + classes)`, `NaN` where there is no further one, `-1` throughout where missing."""
    if targets.ndim != 3 or targets.shape[2] != 4 + classes:
        raise LabelError(
            0, f"expected targets of shape (rows, objects, {4 + classes}), received shape {_shape(targets)}"
        )
    values = targets.astype("float32")
    known = ~((values == -1).all(axis=(1, 2))[:, None] | np.isnan(values).any(axis=2))
    objects = np.where(known[..., None], values, np.nan)
    expected = "a box x_min, y_min, x_max, y_max from 0 to 1 and a one-hot class for each object, NaN for no object"
    one_hot = np.isin(objects[..., 4:], (0, 1)).all(axis=2) & (objects[..., 4:].sum(axis=2) == 1)
    _refuse(known & (~one_hot | _wrong_boxes(objects[..., :4])), targets, f"{expected}, or -1 throughout where missing")
    return values


def _wrong_boxes(corners: np.ndarray, side: float = 1.0) -> np.ndarray:
    """Which of these boxes x_min, y_min, x_max, y_max, none of them missing, can be none."""
    slack = BEYOND_BOXES * side
    inverted = (corners[..., :2] >= corners[..., 2:]).any(axis=-1)
    return np.asarray(inverted | (corners < -slack).any(axis=-1) | (corners > side + slack).any(axis=-1))


def _columns(targets: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Numbers of so many columns a row, however they are laid out."""
    if math.prod(targets.shape[1:]) != math.prod(shape) or targets.ndim == 0:
        listed = ", ".join(map(str, shape))
        raise LabelError(0, f"expected targets of shape (rows, {listed}), received shape {_shape(targets)}")
    return targets.astype("float32").reshape(len(targets), *shape)


def _shape(targets: np.ndarray) -> str:
    return f"({', '.join(['rows', *map(str, targets.shape[1:])])})"


def _refuse(wrong: np.ndarray, targets: np.ndarray, expected: str) -> None:
    """Refuse the first row in which something is wrong."""
    if wrong.any():
        row = int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
        numbers = np.asarray(targets[row], "float64").reshape(-1)
        listed = ", ".join(f"{number:g}" for number in numbers[:8]) + (", ..." if len(numbers) > 8 else "")
        raise LabelError(row, f"expected {expected}, received: {listed}")
