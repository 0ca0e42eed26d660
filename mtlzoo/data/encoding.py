"""From the cells of a column to targets: each column is encoded once for all tables of the same rows."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mtlzoo.data.markers import default_markers, without_markers
from mtlzoo.errors import LabelError
from mtlzoo.heads import Head

# Encodings of one column that are kept, such as in the order of a table's classes and in that of a model's.
KEPT = 2


class EncodedColumns:
    """The targets of a frame's columns, which all tables that show this frame share.

    Heads that encode alike (:meth:`mtlzoo.heads.Head.encoding_key`) get the same array, so that a table read by the heads
    of a model is not encoded again. A column whose cells have been assigned to since is.

    Args:
        frame: The rows.
    """

    def __init__(self, frame: pd.DataFrame):
        self.frame = frame
        self._known: dict[str, _Encodings] = {}

    def get(self, name: str, head: Head, *, literal: bool = False) -> np.ndarray:
        """The targets of a column, rows on the first axis.

        Args:
            name: The column.
            head: What reads it.
            literal: Whether cells such as `NA` are labels like any others.

        Raises:
            LabelError: If a label is invalid.
        """
        known, key = self._encodings(name).targets, (*head.encoding_key(), literal)
        if key not in known:
            targets = encode_column(head, self.frame[name], literal=literal)
            while len(known) >= KEPT:
                known.pop(next(iter(known)))
            known[key] = targets
        return known[key]

    def take(self, rows: np.ndarray, frame: pd.DataFrame) -> EncodedColumns:
        """The targets of some rows, as far as columns are encoded already.

        Args:
            rows: Positions or bool, `(rows,)`.
            frame: These rows.
        """
        taken = EncodedColumns(frame)
        for name in self._known:
            if known := self._encodings(name).targets:
                taken._encodings(name).targets.update({key: targets[rows] for key, targets in known.items()})
        return taken

    def _encodings(self, name: str) -> _Encodings:
        mark, held = _mark(self.frame[name])
        if name not in self._known or self._known[name].mark != mark:
            self._known[name] = _Encodings(mark, held, {})
        return self._known[name]


class _Encodings(NamedTuple):
    """The targets of one column by what encodes it, and what tells whether its cells are still those that were encoded."""

    mark: tuple[str, int, int]
    held: Any
    targets: dict[Any, np.ndarray]


def _mark(column: pd.Series) -> tuple[tuple[str, int, int], Any]:
    """A number that changes with the cells of a column, and what has to be kept alive for it to stay theirs.

    It takes microseconds for a column of categories or numbers, and is why assigning to a frame needs no other care.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        return ("categories", zlib.crc32(np.ascontiguousarray(column.cat.codes).data), id(categories)), categories
    if column.dtype == object:  # the addresses of the cells, which are kept so that no other object gets them
        cells = column.to_numpy(copy=True)
        return ("objects", zlib.crc32(cells.tobytes()), 0), cells
    return ("values", zlib.crc32(pd.util.hash_pandas_object(column, index=False).to_numpy()), 0), None


def encode_column(head: Head, column: pd.Series, *, literal: bool = False) -> np.ndarray:
    """The targets of a column; each category is encoded once, however many rows have it.

    Args:
        head: What reads the column.
        column: The labels.
        literal: Whether cells such as `NA` are labels like any others.

    Raises:
        LabelError: If a label is invalid.
    """
    markers = frozenset() if literal else default_markers(head)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        if pd.api.types.is_numeric_dtype(column.dtype):
            return head.encode(column)
        return head.encode(column.map(lambda cell: without_markers(cell, markers)) if markers else column)
    # In the order of their first rows, so that an error names the first row; categories without a row do not count.
    codes, used = pd.factorize(column.cat.codes.to_numpy())
    cells = [None if code < 0 else column.cat.categories[code] for code in used]
    cells = [without_markers(cell, markers) for cell in cells]
    try:
        return head.encode(pd.Series(cells, dtype=object))[codes]
    except LabelError as error:
        raise LabelError(int(np.argmax(codes == error.row)), error.reason) from None
