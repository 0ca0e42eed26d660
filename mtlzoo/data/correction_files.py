"""A file or frame of corrections, one row a cell: how it is read, and which row of a table each line means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.cells import short
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.dialects import Dialect, columns_of, look_at
from mtlzoo.data.rows import read_rows
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.files.regular import require_file
from mtlzoo.heads.class_names import number_of
from mtlzoo.heads.texts import is_missing

ROW, HEAD, LABEL = "row", "head", "label"
FORMULA = tuple("=+-@\t\n\uff1d\uff0b\uff0d\uff20")  # before which `mtlzoo` writes an apostrophe, for spreadsheets


@dataclass(frozen=True)
class Corrections:
    """Corrections as read.

    Attributes:
        frame: The columns `head` and `label`, and `row`, `image` or both.
        source: What messages call them.
        dialect: How the file is written.
        lines: Whether the index is that of lines, less 2.
    """

    frame: pd.DataFrame
    source: str
    dialect: Dialect
    lines: bool

    def where(self, place: int) -> str:
        """How a message names the correction at a position."""
        label, image = self.frame.index[place], self.cell(place, IMAGE)
        named = f"{self.source}, {f'line {label + 2}' if self.lines else f'row {label}'}"
        return named if image is None else f"{named} ({short(str(image), 200)})"

    def cell(self, place: int, name: str) -> Any:
        """A cell, `None` if it is empty; texts without blanks around them."""
        cell = self.frame[name].iloc[place] if name in self.frame else None
        cell = cell.strip() if isinstance(cell, str) else cell
        return None if is_missing(cell) else cell


def read_corrections(
    given: pd.DataFrame | str | os.PathLike[str], dialect: Dialect, needed: Sequence[str] = (HEAD, LABEL)
) -> Corrections:
    """Read corrections from a frame or a file, which needs these columns.

    Raises:
        FileNotFoundError: If there is no such file.
        TableError: If it cannot be read, or lacks a column.
    """
    if isinstance(given, pd.DataFrame):
        corrections = Corrections(given, "corrections", dialect, lines=False)
    else:
        path = Path(given)
        require_file(path, "file of corrections")
        file = look_at(path, IMAGE, dialect)
        key = ROW if ROW in file.names and IMAGE not in file.names else IMAGE
        frame, _ = read_rows(file, key, None)
        frame = frame.rename(columns={IMAGE: key})
        corrections = Corrections(frame, path.name, {**dialect, "sep": file.sep}, lines=True)
    names = list(corrections.frame)
    for name in (*needed, *([] if ROW in names else [IMAGE])):
        if name not in names:
            raise TableError(
                f"{corrections.source}: no column {name!r}; corrections have the columns 'image' or 'row' (or both), "
                f"'head' and 'label', received: {columns_of(names)}."
            )
    return corrections


class RowFinder:
    """Finds the row of a table that a correction means: by its number, by its image, or by both, which have to agree."""

    def __init__(self, table: LabelTable):
        self.table, self.images = table, table.frame[IMAGE].astype(object).to_numpy()
        self.rows: dict[str, list[int]] = {}
        for row, image in enumerate(self.images):
            self.rows.setdefault(str(image), []).append(row)
        self.numbers = {number: row for row, number in enumerate(row_numbers(table))}

    def __call__(self, row: Any, image: Any) -> int:
        """The position of the row.

        Raises:
            ValueError: If there is none, or several.
        """
        named = None if image is None else self._image(str(image))
        rows = [] if named is None else self.rows[named]
        if row is None:
            if len(rows) != 1:
                numbers = [str(row_numbers(self.table)[place]) for place in rows[:5]]
                raise ValueError(
                    f"expected `row` beside an image that {len(rows)} rows show (rows {', '.join(numbers)}, ...)"
                    if rows
                    else "expected an image or the number of a row, received neither"
                )
            return rows[0]
        number = number_of(row)
        place = None if number is None else self.numbers.get(number)
        if place is None:
            raise ValueError(f"no row {short(str(row))!r} in {self.table.source}, which has {len(self.images):,} rows")
        if named is not None and place not in rows:
            raise ValueError(
                f"row {short(str(row))} of {self.table.source} shows {short(str(self.images[place]), 200)}; is this a file "
                "for another table?"
            )
        return place

    def showing(self, image: str) -> list[int]:
        """The positions of all rows that show an image, none if it is unknown."""
        try:
            return self.rows[self._image(image)]
        except ValueError:
            return []

    def _image(self, image: str) -> str:
        for named in (image, plain_text(image), image.replace("\\", "/")):
            if named in self.rows:
                return named
        raise ValueError(f"no image {short(image, 200)!r} in {self.table.source}")


def row_numbers(table: LabelTable) -> np.ndarray:
    """What a row is called in the column `row`: its number in the frame's index, which parts of the table keep.

    Where that is none or not different for each row it is the position.
    """
    index = table.frame.index
    fits = pd.api.types.is_integer_dtype(index.dtype) and index.is_unique
    return index.to_numpy() if fits else np.arange(len(table))


def plain_text(text: str) -> str:
    """A text without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text
