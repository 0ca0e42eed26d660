"""Tables of results as CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

import os
import re
from typing import Any

import pandas as pd

from mtlzoo.files.writing import writing

# What makes spreadsheets take a text for a formula, or strip it until it is one:
# https://owasp.org/www-community/attacks/CSV_Injection. The last four are those of East Asian keyboards.
FORMULA = re.compile(r"[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def write_csv(
    path: str | os.PathLike[str],
    frame: pd.DataFrame,
    index: bool = False,
    *,
    overwrite: bool = False,
    raw_cells: bool = False,
) -> None:
    """Write a table of results.

    A file name or a class called `=HYPERLINK(...)` would run as a formula where the file is opened in a spreadsheet. Texts
    that begin like one, in cells, headings and the index, get an apostrophe in front, which spreadsheets take for "this is
    a text". Numbers, and texts that are numbers, stay as they are.

    Args:
        path: Where to write.
        frame: The table.
        index: Whether the index is written too.
        overwrite: Whether an existing file may be replaced.
        raw_cells: Whether cells are written as they are, for programs that look names up.

    Raises:
        OutputError: If `path` is not to be replaced.

    Example:

    ```python
    write_csv("predictions.csv", mtl.predict(model, ["=1+1.png"]))  # image,color: '=1+1.png,red
    ```
    """
    frame = frame if raw_cells else without_formulas(frame)
    with writing(path, overwrite=overwrite) as temporary:
        # Names of files that are no UTF-8 keep their bytes.
        frame.to_csv(temporary, index=index, lineterminator="\n", encoding="utf-8", errors="surrogateescape")


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as :func:`write_csv` writes it: an apostrophe before each text that begins like a formula.

    Args:
        frame: The table, which stays as it is.
    """
    safe = frame.copy(deep=False)
    for place, (_, cells) in enumerate(frame.items()):
        if not pd.api.types.is_numeric_dtype(cells.dtype):
            safe.isetitem(place, cells.astype(object).map(_as_text))
    safe.columns, safe.index = _safe_labels(frame.columns), _safe_labels(frame.index)
    return safe


def _safe_labels(labels: pd.Index) -> pd.Index:
    names = [_as_text(name) for name in labels.names]
    if isinstance(labels, pd.MultiIndex):
        return pd.MultiIndex.from_tuples([tuple(map(_as_text, label)) for label in labels], names=names)
    if isinstance(labels, pd.RangeIndex) or pd.api.types.is_numeric_dtype(labels.dtype):
        return labels.rename(names[0])
    return pd.Index([_as_text(label) for label in labels], name=names[0], dtype=object)


def _as_text(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    # A carriage return is not quoted by the csv module where lines end in a line feed, and would begin a row of its own.
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell
