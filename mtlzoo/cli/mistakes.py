"""The worst mistakes of each head, with where it looked."""

from __future__ import annotations

from pathlib import Path

from mtlzoo.data import LabelTable
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.explaining import looks
from mtlzoo.evaluation.mistakes import is_named, truth_text, worst_rows
from mtlzoo.evaluation.running import load_inputs
from mtlzoo.heads import Head
from mtlzoo.models import MultiTaskModel
from mtlzoo.plotting import style
from mtlzoo.plotting.looks import Cell, as_text, draw_sheet

FILE = "mistakes.png"


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


def _caption(head: Head, said: str, true: str) -> str:
    return f"{said}, not {true}" if is_named(head) else f"{said} (true {true})"
