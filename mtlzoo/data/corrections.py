"""Labels that a person has filled in or put right, written into a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import pandas as pd

from mtlzoo.data.cell_writing import write_cells
from mtlzoo.data.cells import Column, short
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.correction_files import HEAD, LABEL, ROW, Corrections, RowFinder, plain_text, read_corrections
from mtlzoo.data.decimals import read_decimals
from mtlzoo.data.dialects import Dialect
from mtlzoo.data.encoding import encode_column
from mtlzoo.data.markers import default_markers, label_names, without_markers
from mtlzoo.data.notes import count
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import LabelError, TableError
from mtlzoo.heads.texts import shorten

DELETE = "(delete)"


def apply_corrections(
    table: LabelTable,
    corrections: pd.DataFrame | str | os.PathLike[str],
    *,
    delete: str = DELETE,
    **dialect: Unpack[Dialect],
) -> LabelTable:
    """Write labels into single cells of a table, such as those that :func:`mtlzoo.suggest_labels` asked for.

    A label that is there already is replaced. An empty label leaves its cell as it is, and so does one that says that nobody
    knows (`?`, `NA`, ...; a note counts them). No model is needed, and no other cell changes.

    Args:
        table: The table, or a part of it that has all rows which are corrected.
        corrections: A data frame or a CSV file with one row a cell: `head`; `label`, as the table's labels are written; and
            `image`, as in the table, or `row`, or both, which then have to agree. `row` is the row's number in the index of
            `table.frame`, which parts of a table keep (its position, if the index has no different whole numbers). It is
            needed where several rows show the same image. Other columns are left alone.
        delete: The label that empties a cell.
        **dialect: `sep`, `encoding` and `decimal` of a file, where it does not show them by itself.

    Returns:
        A new table; the given one stays as it is.

    Raises:
        FileNotFoundError: If there is no such file.
        TableError: If a head, an image, a row or a label is unknown, a row shows another image, or a cell is to get two
            labels; the message names the line.

    Example:

    ```python
    frame = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "kids": ["yes", None]})
    table = mtl.data.LabelTable(frame, {"kids": mtl.BinaryHead()})
    filled = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "head": ["kids", "kids"], "label": ["(delete)", "no"]})
    mtl.apply_corrections(table, filled).labels()  # {"kids": [-1.0, 0.0]}
    ```
    """
    given = read_corrections(corrections, dialect)
    cells: dict[str, dict[int, int]] = {}
    find = RowFinder(table)
    for place in range(len(given.frame)):
        name, label = given.cell(place, HEAD), given.cell(place, LABEL)
        if label is None:
            continue
        name = name if name in table.heads or name is None else plain_text(str(name))
        if name not in table.heads:
            raise TableError(
                f"{given.where(place)}: unknown head {short(str(name))!r}, expected one of: {shorten(list(table.heads))}."
            )
        try:
            row = find(given.cell(place, ROW), given.cell(place, IMAGE))
        except ValueError as error:
            raise TableError(f"{given.where(place)}: {error}.") from None
        before = cells.setdefault(name, {}).setdefault(row, place)
        if str(given.cell(before, LABEL)) != str(label):
            raise TableError(
                f"{given.where(place)}: head {name!r} gets the label {short(str(label))!r} here and "
                f"{short(str(given.cell(before, LABEL)))!r} at {given.where(before)}; leave one of them empty."
            )
    frame, notes = table.frame.copy(deep=False), []
    for name, places in cells.items():
        labels, unknown = _read_labels(table, name, given, list(places.values()), delete)
        rows = np.array(list(places), "int64")[~unknown]
        written = write_cells(frame[name], rows.tolist(), [one for one, no in zip(labels, unknown) if not no])
        frame.isetitem(frame.columns.get_loc(name), written.array)
        if unknown.any():
            notes.append(
                f"{given.source}: {short(name)}: {count(int(unknown.sum()), 'label')} that nobody knows, left out"
            )
    corrected = replace(table, frame=frame, notes=(*table.notes, *notes))
    corrected.labels()
    return corrected


def _read_labels(
    table: LabelTable, name: str, given: Corrections, places: Sequence[int], delete: str
) -> tuple[list[Any], np.ndarray]:
    """The labels of one head, `None` where a cell is to be emptied, and which of them say that nobody knows."""
    head, literal = table.heads[name], name in table.literal
    own = label_names(head)
    labels = [given.cell(place, LABEL) for place in places]
    labels = [plain_text(one) if isinstance(one, str) and one not in own else one for one in labels]
    gone = np.array([isinstance(one, str) and one == delete and one not in own for one in labels])
    labels = [None if no else one for one, no in zip(labels, gone)]
    texts = pd.Series([one if isinstance(one, str) else None for one in labels], dtype=object).astype("category")
    try:
        decimal, sep = given.dialect.get("decimal"), given.dialect.get("sep", "")
        texts, _ = read_decimals(texts, Column.of(texts), decimal, sep, head)
    except ValueError as error:
        raise TableError(f"{given.source}: head {name!r}: {error}.") from None
    markers = frozenset() if literal else default_markers(head)
    read = [without_markers(text, markers) if isinstance(one, str) else one for one, text in zip(labels, texts)]
    try:
        labelled = head.labelled(encode_column(head, pd.Series(read, dtype=object), literal=literal))
    except LabelError as error:
        raise TableError(f"{given.where(places[error.row])}: head {name!r}: {error.reason}.") from None
    return read, ~labelled & ~gone
