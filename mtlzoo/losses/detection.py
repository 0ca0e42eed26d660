"""The loss of several objects in one image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mtlzoo import masking
from mtlzoo.images.boxes import giou_loss, iou
from mtlzoo.losses.base import MaskedLoss, Tensor, focal_factor, safe_log


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedDetectionLoss(MaskedLoss):
    """Quality focal loss of scores and GIoU loss of boxes, over the cells of a grid.

    Which cell is assigned to which object is decided by the places of the cells alone, as in FCOS with centre sampling (Tian
    et al. 2019, arXiv:1904.01355; 2020, arXiv:2006.09214): the one that holds the object's middle, and those within
    `radius` cells of it whose middle lies in the box; where objects compete, the smaller one has it. The score of such a
    cell for the object's class is to be the IoU of its box, and 0 everywhere else: with that target `y` and the score `p`
    the cost is `|y - p| ** gamma` times the binary cross-entropy (quality focal loss, Li et al. 2020, arXiv:2006.04388,
    which for `y` of 0 or 1 is the focal loss of Lin et al. 2017, arXiv:1708.02002). The box costs `1 - GIoU`. Each row's
    sum is divided by its number of such cells, at least 1.

    Args:
        classes: The number of classes.
        grid: Height and width of the grid; `None` takes it for square.
        radius: How far from an object's centre cells are assigned to it, in cells.
        gamma: How much less a score counts that is nearly right.
        box_weight: The factor of the boxes' part.

    Targets have shape `(batch, objects, 4 + classes)` as :func:`mtlzoo.masking.object_targets` reads them, predictions
    `(batch, cells, 4 + classes)`, row by row of the grid: x_min, y_min, x_max, y_max from 0 to 1 and a score for each class.

    Example:

    ```python
    loss = mtl.losses.MaskedDetectionLoss(classes=2)
    targets = mtl.DetectionHead(["apple", "pear"]).encode([[("apple", 0.1, 0.1, 0.6, 0.6)], None])
    loss(targets, np.full((2, 16, 6), 0.5, "float32"))  # of a grid of 4 by 4 cells; the second image has no label
    ```
    """

    def __init__(
        self,
        classes: int,
        grid: Sequence[int] | None = None,
        radius: float = 1.5,
        gamma: float = 2.0,
        box_weight: float = 2.0,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.classes = classes
        self.grid = None if grid is None else [int(side) for side in grid]
        self.radius = radius
        self.gamma = gamma
        self.box_weight = box_weight

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The cost of each row's cells."""
        boxes, classes, known, labelled = masking.object_targets(y_true, self.classes)
        assigned = self.assign(boxes, known, int(y_pred.shape[1]))
        positive = ops.sum(assigned, axis=-1)
        target_boxes, target_classes = ops.matmul(assigned, boxes), ops.matmul(assigned, classes)
        predicted, scores = y_pred[..., :4], y_pred[..., 4:]
        quality = ops.stop_gradient(iou(predicted, target_boxes))
        wanted = target_classes * quality[..., None]
        entropy = -wanted * safe_log(scores) - (1 - wanted) * safe_log(1 - scores)
        score_cost = ops.sum(focal_factor(wanted, scores, self.gamma) * entropy, axis=(1, 2))
        box_cost = ops.sum(positive * giou_loss(predicted, target_boxes), axis=1)
        total = score_cost + self.box_weight * box_cost
        return total / ops.maximum(ops.sum(positive, axis=1), 1), labelled

    def assign(self, boxes: Tensor, known: Tensor, cells: int) -> Tensor:
        """Which object each cell is assigned to, if any.

        Args:
            boxes: Floats `(batch, objects, 4)`.
            known: Which of them are objects, bool `(batch, objects)`.
            cells: The number of cells.

        Returns:
            Floats `(batch, cells, objects)`, at most one 1 for each cell.
        """
        height, width = self.grid or _square(cells)
        if height * width != cells:
            raise ValueError(f"Expected predictions for {height} x {width} cells, received: {cells}.")
        y, x = np.mgrid[:height, :width].reshape(2, -1) + 0.5
        middles = ops.convert_to_tensor(np.stack([x / width, y / height], axis=-1)[None, :, None], dtype=boxes.dtype)
        cell = ops.convert_to_tensor([1 / width, 1 / height], dtype=boxes.dtype)
        low, high = boxes[:, None, :, :2], boxes[:, None, :, 2:]
        away = ops.abs(middles - (low + high) / 2) / cell
        inside = ops.all(ops.logical_and(middles > low, middles < high), axis=-1)
        near = ops.logical_and(inside, ops.all(away < self.radius, axis=-1))
        candidates = ops.logical_or(near, ops.all(away <= 0.5, axis=-1))
        candidates = ops.logical_and(candidates, known[:, None])
        areas = ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)[:, None]
        areas = ops.where(candidates, areas, ops.full_like(areas, float("inf")))
        numbers = ops.arange(ops.shape(boxes)[1], dtype="int32")
        smallest = ops.cast(ops.argmin(areas, axis=-1), "int32")[..., None] == numbers
        return ops.cast(ops.logical_and(smallest, candidates), boxes.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {name: getattr(self, name) for name in ("classes", "grid", "radius", "gamma", "box_weight")}
        return {**super().get_config(), **own}


def _square(cells: int) -> tuple[int, int]:
    side = math.isqrt(cells)
    if side**2 != cells:
        raise ValueError(f"Expected `grid`, its height and width, since {cells} cells are no square.")
    return side, side
