"""The worst mistakes of each head, with where it looked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras import ops

from mtlzoo.cli.image_files import truth_text
from mtlzoo.data import LabelTable
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.explaining import looks
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.running import load_inputs
from mtlzoo.heads import Head
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.objectives import head_losses
from mtlzoo.plotting import style
from mtlzoo.plotting.looks import Cell, as_text, draw_sheet

FILE = "mistakes.png"
IMAGES = 6
"""How many of each head."""


def worst_rows(outputs: LabelledOutputs, count: int = IMAGES) -> np.ndarray:
    """The labelled rows with the highest loss, the worst first; of classes and tags those that were got wrong.

    Args:
        outputs: A head's outputs and labels.
        count: How many rows at most.

    Returns:
        Their positions.
    """
    if not len(outputs.targets):
        return np.empty(0, "int64")
    loss = head_losses({"head": outputs.head})["head"]
    values, labelled = loss.rows(ops.convert_to_tensor(outputs.targets), ops.convert_to_tensor(outputs.outputs))
    losses, known = ops.convert_to_numpy(values).reshape(-1), ops.convert_to_numpy(labelled).reshape(-1)
    rows = np.flatnonzero(known & outputs.labelled & np.isfinite(losses))
    if is_named(outputs.head):
        said, truth = outputs.head.decode(outputs.outputs)["answer"], outputs.targets
        rows = np.array([row for row in rows if said[row] != truth_text(outputs.head, truth[[row]])], "int64")
    return rows[np.argsort(-losses[rows], kind="stable")][:count]


def plot_mistakes(
    model: MultiTaskModel, table: LabelTable, predictions: Predictions, path: Path, overwrite: bool = False
) -> None:
    """Draw a row of images for each head, bright where the head looked: by its attention, else by Grad-CAM.

    Args:
        model: The model.
        table: The rows, read by the heads of the predictions.
        predictions: Those for these rows.
        path: The PNG file; if there is no mistake at all none is written, and an old one goes where it may be replaced.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If the model has no feature map.
        OutputError: If the file is there and not to be replaced.
    """
    sheet, names = [], []
    frame = predictions.to_frame()
    for name, outputs in predictions.with_labels(table).items():
        rows = worst_rows(outputs)
        if not len(rows):
            continue
        images = load_inputs(model, table.take(rows))
        maps = looks(model, images, [name])[name]
        said = [as_text(frame[name].iloc[row]) for row in rows]
        captions = said
        if not outputs.head.spatial:
            true = [truth_text(outputs.head, outputs.targets[[row]]) for row in rows]
            captions = [_caption(outputs.head, *both) for both in zip(said, true)]
        sheet.append([Cell(image, look, text, style.MUTED) for image, look, text in zip(images, maps, captions)])
        names.append(name)
    if sheet:
        draw_sheet(sheet, names=names, path=path, overwrite=overwrite)
    elif overwrite:
        path.unlink(missing_ok=True)


def is_named(head: Head) -> bool:
    """Whether a head's predictions are names, right or wrong, rather than numbers and places."""
    return hasattr(head, "names") and not head.spatial


def _caption(head: Head, said: str, true: str) -> str:
    return f"{said}, not {true}" if is_named(head) else f"{said} (true {true})"
