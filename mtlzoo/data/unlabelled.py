"""Images that nobody labelled, as further rows of a table."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.data.encoding import EncodedColumns
from mtlzoo.data.folders import images_below
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import TableError


def unlabelled_images(images: LabelTable | str | os.PathLike[str]) -> LabelTable:
    """A table, or the images below a folder, without any label.

    Raises:
        TableError: If there is no such folder, or no image in it.
    """
    if isinstance(images, LabelTable):
        return images.with_heads({})
    folder = Path(images)
    if not folder.is_dir():
        raise TableError(f"{folder}: expected a folder of images without labels; there is no such folder.")
    found = sorted(images_below(folder))
    if not found:
        raise TableError(f"{folder}: no images in this folder or in those below it.")
    return LabelTable.of_images([folder / name for name in found], source=os.fspath(folder))


def with_unlabelled(table: LabelTable, images: LabelTable, sample_weight: str | None = None) -> LabelTable:
    """A table with further rows, of which nothing is known but the image.

    Args:
        table: The rows with labels.
        images: The others.
        sample_weight: A column of weights, which are 1 for the others.
    """
    count = len(images)
    regions = images.regions() or [None] * count
    given: dict[str, list[Any]] = {IMAGE: [os.path.abspath(path) for path in images.paths()], REGION: regions}
    if sample_weight is not None:
        given[sample_weight] = [1.0] * count
    # Rows that are in no file have numbers below 0, by which messages know them.
    index = [*table.frame.index, *range(-count, 0)]
    columns = {name: [*table.frame[name], *given.get(name, [None] * count)] for name in table.frame}
    if any(regions) and REGION not in columns:
        columns[REGION] = [*[None] * len(table), *regions]
    stored = None if table.stored is None else np.concatenate([table.stored, np.asarray(given[IMAGE], object)])
    frame = pd.DataFrame(columns, index=index, dtype=object)
    return replace(table, frame=frame, stored=stored, _encoded=EncodedColumns(frame))
