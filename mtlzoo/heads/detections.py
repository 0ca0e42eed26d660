"""From the cells of a grid to a list of objects, and how good such lists are."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import cv2
import numpy as np

from mtlzoo.heads import parts

# COCO's average precision counts objects of low scores too, at most so many an image.
LEAST_SCORE, MOST_ANSWERS = 0.01, 100
HIT = 0.5  # the IoU of a predicted object with the one that it hits


def find_objects(
    boxes: np.ndarray, scores: np.ndarray, score_threshold: float, nms_iou_threshold: float
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The objects that the cells of one image tell, the surest first.

    Args:
        boxes: x_min, y_min, x_max, y_max of each cell, `(cells, 4)`, in any unit.
        scores: For each class, `(cells, classes)`. Those that are all 0, 1, -1 or `NaN` are labels, of which none is
            suppressed, and which hold no object where they are not positive.
        score_threshold: The least score of a predicted object.
        nms_iou_threshold: Of two predicted objects of one class with an IoU above this the better one is kept.

    Returns:
        The cells, their classes' ids, and their scores.
    """
    known = np.isfinite(scores).all(axis=-1)
    scores = np.where(known[:, None], scores, 0.0)
    best, ids = scores.max(axis=-1), scores.argmax(axis=-1)
    if np.isin(scores, (-1, 0, 1)).all():
        cells = np.flatnonzero(best > 0)
    else:
        cells = np.flatnonzero(best >= score_threshold)
        # OpenCV takes the corner and the sides.
        sides = np.concatenate([boxes[cells, :2], boxes[cells, 2:] - boxes[cells, :2]], axis=-1).astype("float64")
        if len(cells):
            kept = cv2.dnn.NMSBoxesBatched(
                sides.tolist(), best[cells].astype("float32"), ids[cells].astype("int32"), 0.0, nms_iou_threshold
            )
            cells = cells[np.asarray(kept, "int64").reshape(-1)]
    cells = cells[np.argsort(-best[cells], kind="stable")]
    return cells, ids[cells], best[cells].astype("float64").tolist()


def find_hits(
    targets: np.ndarray, predictions: np.ndarray, score_threshold: float, nms_iou_threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """The scores of predicted objects, and which of them hit: an object is hit once, by the surest with an IoU of one half.

    Args:
        targets: Objects `(rows, objects, 4 + classes)` of labelled rows, `NaN` where there is none.
        predictions: Cells `(rows, cells, 4 + classes)`.
        score_threshold: As in :func:`find_objects`.
        nms_iou_threshold: As in :func:`find_objects`.

    Returns:
        Float and bool `(predicted objects,)`.
    """
    sure, right = [], []
    for objects, cells in zip(targets, predictions):
        objects = objects[~np.isnan(objects).any(axis=-1)]
        kept, ids, scores = find_objects(cells[:, :4], cells[:, 4:], score_threshold, nms_iou_threshold)
        overlaps = np.array(parts.boxes.iou(cells[kept, None, :4], objects[None, :, :4]))
        overlaps[ids[:, None] != objects[:, 4:].argmax(axis=-1)[None]] = 0.0
        for row, score in zip(overlaps, scores):  # the surest first
            hit = int(row.argmax()) if row.size and row.max() >= HIT else None
            sure.append(score)
            right.append(hit is not None)
            if hit is not None:
                overlaps[:, hit] = 0.0
    return np.asarray(sure, "float64"), np.asarray(right, bool)


def average_precision(targets: np.ndarray, predictions: np.ndarray, nms_iou_threshold: float) -> dict[str, float]:
    """COCO's average precision, by pycocotools: `ap` over IoU from 0.5 to 0.95, `ap_50` and `ap_75`.

    Args:
        targets: Objects `(rows, objects, 4 + classes)` of labelled rows, `NaN` where there is none.
        predictions: Cells `(rows, cells, 4 + classes)`.
        nms_iou_threshold: As in :func:`find_objects`.

    Returns:
        The three metrics, `NaN` if there is no object at all.

    Raises:
        ImportError: If pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise ImportError("Average precision needs pycocotools: pip install 'mtlzoo[detection]'.") from None
    truths: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for row, (objects, cells) in enumerate(zip(targets, predictions)):
        objects = objects[~np.isnan(objects).any(axis=-1)].astype("float64")
        for box, index in zip(objects[:, :4], objects[:, 4:].argmax(axis=-1)):
            truths.append({**_entry(row, box, index), "id": len(truths) + 1, "iscrowd": 0})
        kept, ids, scores = find_objects(cells[:, :4], cells[:, 4:], LEAST_SCORE, nms_iou_threshold)
        for cell, index, score in list(zip(kept, ids, scores))[:MOST_ANSWERS]:
            answers.append({**_entry(row, cells[cell, :4].astype("float64"), index), "score": score})
    if not truths:
        return dict.fromkeys(("ap", "ap_50", "ap_75"), float("nan"))
    if not answers:
        return dict.fromkeys(("ap", "ap_50", "ap_75"), 0.0)
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress
        truth = COCO()
        truth.dataset = {
            "images": [{"id": row} for row in range(len(targets))],
            "categories": [{"id": index} for index in range(targets.shape[-1] - 4)],
            "annotations": truths,
            "info": {},
        }
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(answers), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return dict(zip(("ap", "ap_50", "ap_75"), map(float, judge.stats)))


def _entry(row: int, box: np.ndarray, index: int) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = box.tolist()
    sides = [x_max - x_min, y_max - y_min]
    return {"image_id": row, "category_id": int(index), "bbox": [x_min, y_min, *sides], "area": sides[0] * sides[1]}
