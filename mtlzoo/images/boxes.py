"""Boxes and how they overlap.

A box is x_min, y_min, x_max, y_max on the last axis, in any unit; one whose maximum lies below its minimum is inverted. All
arguments broadcast. Only `keras.ops` is used.
"""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """The intersection over union, 0 to 1; 0 where a box is empty or inverted.

    Args:
        boxes: Floats `(..., 4)`.
        others: Floats `(..., 4)`.

    Returns:
        Floats of the shape that the two have without their last axis.

    Example:

    ```python
    iou([[0.0, 0.0, 0.5, 1.0]], [[0.0, 0.0, 1.0, 1.0]])  # [0.5]
    ```
    """
    boxes, others = ops.convert_to_tensor(boxes), ops.convert_to_tensor(others)
    intersection, union = _intersection_and_union(boxes, others)
    return _fraction(intersection, union)


def giou_loss(boxes: Tensor, targets: Tensor) -> Tensor:
    """One less the generalized intersection over union (Rezatofighi et al. 2019, arXiv:1902.09630), at least 0.

    `1 - intersection / union + (hull - union) / hull`, with the area `hull` of the smallest box around both: it pulls
    at boxes that do not touch, too. An inverted box counts as the point in its middle, and by how much it is inverted, in
    sides of the target, is added, so that its gradient turns it round.

    Args:
        boxes: What was predicted, floats `(..., 4)`.
        targets: Where it belongs, floats `(..., 4)`, not inverted.

    Returns:
        Floats of the shape that the two have without their last axis. Gradients are finite everywhere.
    """
    low, high = boxes[..., :2], boxes[..., 2:]
    inverted = ops.relu(low - high)
    middle = (low + high) / 2
    boxes = ops.concatenate([ops.where(inverted > 0, middle, low), ops.where(inverted > 0, middle, high)], axis=-1)
    intersection, union = _intersection_and_union(boxes, targets)
    hull = _area(
        ops.concatenate(
            [ops.minimum(boxes[..., :2], targets[..., :2]), ops.maximum(boxes[..., 2:], targets[..., 2:])], axis=-1
        )
    )
    sides = targets[..., 2:] - targets[..., :2]
    turned = ops.sum(inverted / ops.where(sides > 0, sides, ops.ones_like(sides)), axis=-1)
    return 1 - _fraction(intersection, union) + _fraction(hull - union, hull) + turned


def _intersection_and_union(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    corners = [ops.maximum(boxes[..., :2], others[..., :2]), ops.minimum(boxes[..., 2:], others[..., 2:])]
    intersection = _area(ops.concatenate(corners, axis=-1))
    return intersection, _area(boxes) + _area(others) - intersection


def _area(boxes: Tensor) -> Tensor:
    # Not `relu`, which has no gradient at 0: a box that has lost a side could not get it back.
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]


def _fraction(part: Tensor, whole: Tensor) -> Tensor:
    """`part / whole`, 0 with a finite gradient where there is no whole."""
    known = whole > 0
    return ops.where(known, part, ops.zeros_like(part)) / ops.where(known, whole, ops.ones_like(whole))
