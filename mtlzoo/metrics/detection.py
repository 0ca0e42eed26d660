"""How many objects are found."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.images.boxes import iou
from mtlzoo.metrics.base import MaskedMetric, Tensor


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedDetectionF1(MaskedMetric):
    """The mean over labelled images of the F1 of what was found: `2 hits / (predictions + objects)`, 1 if there is neither.

    A prediction is a cell whose best score reaches the threshold and that no cell with a better score of the same class
    suppresses: such with an IoU above `suppression`, themselves suppressed or not (fast non-maximum suppression, Bolya et
    al. 2019, arXiv:1904.02689; the usual one, which runs one after the other, would slow training). A hit is an object with
    a prediction of its class and an IoU of at least `overlap`.

    Args:
        classes: The number of classes.
        threshold: The least score of a prediction.
        suppression: Above which IoU the better of two predictions of one class is kept alone.
        overlap: From which IoU on an object is hit.
        most: So many cells of the best scores are looked at.

    Targets and predictions are those of :class:`mtlzoo.losses.MaskedDetectionLoss`.

    Example:

    ```python
    metric = mtl.metrics.MaskedDetectionF1(classes=2)
    targets = mtl.DetectionHead(["apple", "pear"]).encode([[("apple", 0.1, 0.1, 0.6, 0.6)], None])
    metric.update_state(targets, np.tile(np.float32([0.1, 0.1, 0.6, 0.6, 0.9, 0.0]), (2, 16, 1)))
    metric.result()  # 1.0: sixteen equal boxes are one prediction, and it hits
    ```
    """

    def __init__(
        self,
        classes: int,
        threshold: float = 0.3,
        suppression: float = 0.5,
        overlap: float = 0.5,
        most: int = 100,
        name: str = "f1_50",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.classes = classes
        self.threshold = threshold
        self.suppression = suppression
        self.overlap = overlap
        self.most = most

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The F1 of each row."""
        boxes, classes, known, labelled = masking.object_targets(y_true, self.classes)
        scores = y_pred[..., 4:]
        best, cells = ops.top_k(ops.max(scores, axis=-1), min(self.most, y_pred.shape[1]))
        ids = ops.take_along_axis(ops.argmax(scores, axis=-1), cells, axis=1)
        predicted = ops.take_along_axis(y_pred[..., :4], cells[..., None], axis=1)
        kept = best >= self.threshold

        # === Suppression: cells come in descending order of their scores ===
        order = ops.arange(best.shape[1], dtype="int32")
        rivals = ops.logical_and(ids[:, :, None] == ids[:, None], order[:, None] < order[None])
        close = iou(predicted[:, :, None], predicted[:, None]) > self.suppression
        kept = ops.logical_and(kept, ops.logical_not(ops.any(ops.logical_and(rivals, close), axis=1)))

        # === Hits ===
        true_ids = ops.argmax(classes, axis=-1)
        hits = ops.logical_and(ids[:, :, None] == true_ids[:, None], ops.logical_and(kept[:, :, None], known[:, None]))
        hits = ops.logical_and(hits, iou(predicted[:, :, None], boxes[:, None]) >= self.overlap)
        found, right, given, there = (
            ops.sum(ops.cast(flags, y_pred.dtype), axis=-1)
            for flags in (ops.any(hits, axis=1), ops.any(hits, axis=2), kept, known)
        )
        f1 = 2 * ops.minimum(found, right) / ops.maximum(given + there, 1)
        return ops.where(given + there > 0, f1, ops.ones_like(f1)), labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {name: getattr(self, name) for name in ("classes", "threshold", "suppression", "overlap", "most")}
        return {**super().get_config(), **own}
