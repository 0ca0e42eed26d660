"""The sheet of images with what was predicted for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.mistakes import truth_text
from mtlzoo.heads.conditions import NOT_APPLICABLE
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import load_batch
from mtlzoo.plotting import Annotation, plot_predictions

ROWS, PIXELS = 12, 256


class LabelledImages(NamedTuple):
    """Images to be drawn with what is true and what was predicted.

    Attributes:
        images: uint8 `(PIXELS, PIXELS, 3)` each.
        captions: Lines of text for each image, and whether what a line says is right (`None`: neither).
        annotations: Points and boxes for each image, in pixels of it.
    """

    images: list[np.ndarray]
    captions: list[list[tuple[str, bool | None]]]
    annotations: list[list[Annotation]]


def plot_labelled(
    table: LabelTable, predictions: Predictions, path: Path, rows: int = ROWS, *, overwrite: bool = False
) -> None:
    """A grid of images with predicted and true labels, spread over the heads so that each is seen.

    Args:
        table: The rows, read by the heads of the predictions.
        predictions: Those for these rows.
        path: The PNG file; not written if no row has a label.
        rows: How many of the rows at most.
        overwrite: Whether an existing file may be replaced.
    """
    images, captions, annotations = labelled_images(table, predictions, rows)
    if images:
        plot_predictions(images, captions, path=path, annotations=annotations, overwrite=overwrite)


def labelled_images(table: LabelTable, predictions: Predictions, rows: int = ROWS) -> LabelledImages:
    """Some images of a table with true and predicted labels; arguments as in :func:`plot_labelled`."""
    labelled = table.labelled()
    rng = np.random.default_rng(0)
    chosen: list[int] = []
    for turn in range(rows):
        candidates = np.setdiff1d(np.flatnonzero(labelled.iloc[:, turn % labelled.shape[1]]), chosen)
        if len(candidates):
            chosen.append(int(rng.choice(candidates)))
    found = LabelledImages([], [], [])
    paths, labels, regions = table.paths(), table.labels(), table.regions()
    for row in chosen:
        part = None if regions is None else [regions[row]]
        image, where = load_batch([paths[row]], (PIXELS, PIXELS), resize="pad", regions=part)
        lines: list[tuple[str, bool | None]] = []
        annotations: list[Annotation] = []
        for name, head in table.heads.items():
            if not labelled[name].iloc[row]:
                continue
            target, asked = labels[name][[row]], predictions.asked(name)[row]
            if predictions.geometry is not None and asked:
                own = predictions.geometry.take(np.array([row]))
                annotations += _annotations(head.marks(target, own), where, "true")
                annotations += _annotations(
                    head.marks(predictions.in_image_space[name][[row]], own), where, "predicted"
                )
            if not head.spatial:
                answer = predictions.decoded[name]["answer"][row] if asked else NOT_APPLICABLE
                lines += _lines(name, answer, truth_text(head, target), hasattr(head, "names"))
        found.images.append(image[0])
        found.captions.append(lines)
        found.annotations.append(annotations)
    return found


def _annotations(places: Mapping[str, np.ndarray], where: ImageGeometry, role: str) -> list[Annotation]:
    """Places in pixels of the image as annotations on the sheet's copy of it."""
    annotations: list[Annotation] = []
    for kind, values in places.items():
        if kind == "boxes":
            for box in values[0]:
                annotations += _annotations({"box": box[None]}, where, role)
            continue
        moved = where.to_input_points(values.reshape(1, -1, 2)) * PIXELS - 0.5
        annotations.append(Annotation(moved.reshape(values.shape[1:]), kind, role))
    return annotations


def _lines(name: str, answer: Any, truth: str, named: bool) -> list[tuple[str, bool | None]]:
    if not named:
        shown = answer if isinstance(answer, str) else " ".join(f"{number:.3g}" for number in np.ravel(answer))
        return [(f"{name}: {shown} (true {truth})", None)]
    right = answer == truth
    return [(f"{name}: {answer}", right), *([] if right else [(f"true: {truth}", None)])]
