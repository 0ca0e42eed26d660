"""Predictions and the labels of their rows in one file, from which reports and comparisons are made without the network."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.column_cells import distinct_cells, restore_cells
from mtlzoo.errors import InputError
from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.files import writing
from mtlzoo.files.regular import open_regular
from mtlzoo.heads import deserialize, serialize
from mtlzoo.heads.decisions import Decision
from mtlzoo.images.geometry import ImageGeometry

FILE = "predictions.npz"
VERSION = 1
COLUMN, OUTPUT = "column {}", "output {}"


def save_predictions(predictions: Predictions, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write predictions, and the rows and labels that they belong to, into a compressed `.npz` file.

    Images are not in it, but where they lie as seen from the file, so that the file and the images may move together.

    Args:
        predictions: Those for the rows of a table.
        path: The file, by custom `predictions.npz`.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The path.

    Raises:
        OutputError: If the file is there and not to be replaced.
        ValueError: If the images came without a table, or a head's class is not registered.

    Example:

    ```python
    predictions = mtl.evaluation.Predictions.from_model(model, valid)
    mtl.evaluation.save_predictions(predictions, "predictions.npz")
    ```
    """
    path, table, geometry = Path(path), predictions.table, predictions.geometry
    if table is None:
        raise ValueError(
            "Expected predictions for a table, whose rows are kept with them, received those of images alone."
        )
    columns = {str(name): distinct_cells(table.frame[name]) for name in table.frame}
    arrays: dict[str, Any] = {COLUMN.format(number): codes for number, (codes, _) in enumerate(columns.values())}
    for number, array in enumerate(predictions.outputs.values()):
        arrays[OUTPUT.format(number)] = np.asarray(array, "float32")
    arrays["lines"] = np.asarray(table.frame.index if pd.api.types.is_integer_dtype(table.frame.index) else ())
    if geometry is not None:
        arrays |= {"matrices": geometry.matrices, "sizes": geometry.sizes}
    if predictions.unusual is not None:
        arrays["unusual"] = predictions.unusual
    description = {
        "version": VERSION,
        "heads": serialize(predictions.heads),
        "decisions": {
            name: each.get_config() for name, each in predictions.decisions.items() if name in predictions.heads
        },
        "columns": {name: values for name, (_, values) in columns.items()},
        "root": _seen_from(path.parent, table.root),
        "stored": None if table.stored is None else [os.fspath(place) for place in table.stored],
        "source": table.source,
        "first_line": table.first_line,
        "literal": sorted(table.literal),
        "split": table.split,
        "image_size": None if geometry is None else list(geometry.image_size),
    }
    text = json.dumps(description, default=str).encode()
    with writing(path, overwrite=overwrite) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, description=np.frombuffer(text, "uint8"), **arrays)
    return path


def load_predictions(path: str | os.PathLike[str], images: str | os.PathLike[str] | None = None) -> Predictions:
    """Read what :func:`save_predictions` wrote.

    Args:
        path: The file, or the folder of a run that holds it.
        images: The folder that the paths of images start from, where it is no longer the one at the time of writing.

    Returns:
        The predictions, whose `table` has the rows and labels. Images are not looked for.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is another file, or a damaged one.

    Example:

    ```python
    predictions = mtl.evaluation.Predictions.from_model(model, valid)
    mtl.evaluation.save_predictions(predictions, "kept.npz")
    mtl.evaluation.load_predictions("kept.npz").evaluate()
    ```
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such file, which `mtlzoo train` writes; for an older run: mtlzoo evaluate MODEL DATA --part test "
            "--out FOLDER, and FOLDER in its place."
        )
    try:
        with open_regular(path) as opened, np.load(opened, allow_pickle=False) as file:
            arrays = dict(file)
        return _read(path, arrays, images)
    except Exception as error:  # whatever a damaged archive, or another file, makes it stumble over
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: not a file that `save_predictions` or `mtlzoo train` wrote, or a damaged one "
            f"({type(error).__name__}: {reason})."
        ) from None


def _read(path: Path, arrays: dict[str, np.ndarray], images: str | os.PathLike[str] | None) -> Predictions:
    description = json.loads(arrays["description"].tobytes())
    if description["version"] != VERSION:
        raise ValueError(f"expected version {VERSION}, received {description['version']!r}")
    heads = deserialize(description["heads"])
    frame = pd.DataFrame(
        {
            name: restore_cells(arrays[COLUMN.format(number)], values)
            for number, (name, values) in enumerate(description["columns"].items())
        }
    )
    if len(lines := arrays["lines"]) == len(frame):
        frame.index = pd.Index(lines)
    stored = description["stored"]
    table = LabelTable(
        frame,
        {},
        root=Path(os.path.normpath(path.parent / description["root"])) if images is None else Path(images),
        source=description["source"],
        first_line=description["first_line"],
        literal=frozenset(description["literal"]),
        stored=None if stored is None else np.asarray(stored, dtype=object),
        split=description["split"],
    ).for_heads(heads)
    size = description["image_size"]
    geometry = (
        None if size is None else ImageGeometry(arrays["matrices"], arrays["sizes"], (int(size[0]), int(size[1])))
    )
    outputs = {name: arrays[OUTPUT.format(number)] for number, name in enumerate(heads)}
    decided = description.get("decisions", {})  # which earlier files lack
    decisions = {name: Decision.from_config(value, heads[name]) for name, value in decided.items()}
    return Predictions(outputs, heads, geometry, table=table, decisions=decisions, unusual=arrays.get("unusual"))


def _seen_from(folder: Path, root: Path) -> str:
    """The way from a folder to another, or the other's whole path where there is none."""
    try:
        return Path(os.path.relpath(root, folder)).as_posix()
    except ValueError:  # on another drive
        return root.absolute().as_posix()
