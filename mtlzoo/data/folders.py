"""Pictures sorted into folders."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mtlzoo.data.inference import infer_head
from mtlzoo.data.table import IMAGE, Table, TableError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def read_folders(directory: str | Path) -> Table:
    """Read pictures that are sorted by label: `DIR/<head>/<label>/*.jpg`, or `DIR/<label>/*.jpg` for one head `label`.

    Each picture is labelled for the one head in whose folder it lies.

    Args:
        directory: The folder.

    Returns:
        A table. A head with two labels is binary, with more a softmax over them, in sorted order.

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
    files = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.suffix.lower() in SUFFIXES)
    depths = {len(file.parts) for file in files}
    if len(depths) != 1 or not depths <= {2, 3}:
        raise TableError(
            f"{directory}: expected pictures at DIR/<head>/<label>/ or DIR/<label>/, received "
            + (f"pictures at {len(depths)} depths." if len(depths) > 1 else f"{len(files)} pictures otherwise.")
        )
    if depths == {2}:
        rows = [("label", file.parts[0]) for file in files]
    else:
        rows = [(file.parts[0], file.parts[1]) for file in files]
    frame = pd.DataFrame({IMAGE: [file.as_posix() for file in files]})
    heads = {}
    for name in sorted({head for head, _ in rows}):
        frame[name] = pd.Series([label if head == name else None for head, label in rows], dtype="category")
        try:
            heads[name] = infer_head(frame[name], kind="binary" if frame[name].nunique() == 2 else "classification")
        except ValueError as error:
            raise TableError(f"{directory}: head {name!r}: {error}.") from None
    return Table(frame, heads, root=directory, source=str(directory))
