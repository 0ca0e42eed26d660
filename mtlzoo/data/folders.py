"""Pictures sorted into folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from mtlzoo.data.cells import Column
from mtlzoo.data.inference import infer_head
from mtlzoo.data.spelling import similar_names
from mtlzoo.data.table import IMAGE, Table
from mtlzoo.errors import TableError
from mtlzoo.heads import Head

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def read_folders(directory: str | Path, heads: Mapping[str, Head | int] | None = None) -> Table:
    """Read pictures that are sorted by label: `DIR/<head>/<label>/*.jpg`, or `DIR/<label>/*.jpg` for one head `label`.

    Each picture is labelled for the one head in whose folder it lies. Files that are no pictures by their suffix, and
    hidden files and folders, are left alone.

    Args:
        directory: The folder.
        heads: The heads by name; by default all, binary with two labels, with more a softmax over them, in sorted order.

    Returns:
        A table with a column for every head there is, whether or not it is among the heads.

    Raises:
        FileNotFoundError: If there is no such folder.
        TableError: If it holds no pictures, or not in one of these two ways.

    Example:

    ```python
    table = mtl.data.read_folders("photographs/")
    ```
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(f"No such folder: {directory}.")
    files = sorted(_pictures(directory))
    examples = {len(file.split("/")): file for file in reversed(files)}
    if len(examples) != 1 or not examples.keys() <= {2, 3}:
        received = " and ".join(sorted(examples.values())) or "no pictures"
        raise TableError(
            f"{directory}: expected pictures at DIR/<head>/<label>/, or all at DIR/<label>/, received: {received}."
        )
    rows = pd.DataFrame([file.split("/")[:-1] for file in files])
    if rows.shape[1] == 1:
        rows.insert(0, "head", "label")
    rows.columns = ["head", "label"]
    frame, guessed = pd.DataFrame({IMAGE: files}), {}
    for name in sorted(rows["head"].unique()):
        if name == IMAGE:
            raise TableError(f"{directory}: a head cannot be called {IMAGE!r}, as the column of paths is; rename it.")
        frame[name] = rows["label"].where(rows["head"] == name).astype("category")
        if heads is not None:
            continue
        try:
            guessed[name] = infer_head(frame[name], kind="binary" if frame[name].nunique() == 2 else "classification")
        except ValueError as error:
            raise TableError(f"{directory}: head {name!r}: {error}.") from None
    notes = [f"{name}: {note}" for name in frame.columns[1:] for note in similar_names(Column.of(frame[name]).counts)]
    heads = guessed if heads is None else dict(heads)
    return Table(frame, heads, root=directory, source=str(directory), notes=tuple(notes))


def _pictures(directory: Path) -> Iterator[str]:
    """Paths of pictures below a folder, relative to it, with `/`; hidden files and folders are left alone."""
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(folder, name).relative_to(directory).as_posix()
