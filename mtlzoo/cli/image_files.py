"""The sheet of images with what was answered for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtlzoo.data import Table
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import load_batch
from mtlzoo.plotting import Annotation, plot_predictions

ROWS, PIXELS = 12, 256


def plot_answers(
    table: Table,
    answers: Mapping[str, Mapping[str, Any]],
    restored: Mapping[str, np.ndarray],
    geometry: ImageGeometry,
    path: Path,
    rows: int = ROWS,
    *,
    overwrite: bool = False,
) -> None:
    """A grid of images with predicted and true labels, spread over the heads so that each is seen.

    Args:
        table: The rows.
        answers: What each head's `decode` gives.
        restored: What each head's `restore` gives.
        geometry: Where the rows' pixels lay for the network.
        path: The PNG file.
        rows: How many of the rows at most.
        overwrite: Whether an existing file may be replaced.
    """
    labelled = table.labelled()
    rng = np.random.default_rng(0)
    chosen: list[int] = []
    for turn in range(rows):
        candidates = np.setdiff1d(np.flatnonzero(labelled.iloc[:, turn % labelled.shape[1]]), chosen)
        if len(candidates):
            chosen.append(int(rng.choice(candidates)))
    images: list[np.ndarray] = []
    captions: list[list[tuple[str, bool | None]]] = []
    annotations: list[list[Annotation]] = []
    paths, labels, regions = table.paths(), table.labels(), table.regions()
    for row in chosen:
        part = None if regions is None else [regions[row]]
        image, where = load_batch([paths[row]], (PIXELS, PIXELS), resize="pad", regions=part)
        images.append(image[0])
        annotations.append([])
        lines: list[tuple[str, bool | None]] = []
        for name, head in table.heads.items():
            if labelled[name].iloc[row]:
                own = geometry.take(np.array([row]))
                annotations[-1] += _annotations(head.marks(labels[name][[row]], own), where, "true")
                annotations[-1] += _annotations(head.marks(restored[name][[row]], own), where, "predicted")
                if head.spatial:
                    continue
                truth = _truth(head, labels[name][[row]])
                lines += _lines(name, answers[name]["answer"][row], truth, hasattr(head, "names"))
        captions.append(lines)
    if images:
        plot_predictions(images, captions, path=path, annotations=annotations, overwrite=overwrite)


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


def _truth(head: Head, target: np.ndarray) -> str:
    """A label as the head's answers would write it, however the cell has it: an id, a soft label, tags in any order."""
    names = getattr(head, "names", None)
    if names is None:
        return " ".join(f"{number:.4g}" for number in np.ravel(target))
    strata = head.strata(target)[0]
    if np.ndim(strata) == 0:
        return names[strata]
    return ";".join(name for name, given in zip(names, strata) if given == 1) or "none"


def _lines(name: str, answer: Any, truth: str, named: bool) -> list[tuple[str, bool | None]]:
    if not named:
        shown = " ".join(f"{number:.3g}" for number in np.ravel(answer))
        return [(f"{name}: {shown} (true {truth})", None)]
    right = answer == truth
    return [(f"{name}: {answer}", right), *([] if right else [(f"true: {truth}", None)])]
