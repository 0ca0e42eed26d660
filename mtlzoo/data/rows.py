"""The rows of a table's file, in memory: a byte a label, and the line of the file for each row."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.cells import short
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.dialects import TableFile, columns_of, hint, wrong_encoding
from mtlzoo.data.notes import count
from mtlzoo.data.spelling import without_blanks
from mtlzoo.errors import TableError

CHUNK = 100_000
# What a column of images is often called.
IMAGES = {"image", "img", "image_id", "image_name", "image_path", "file", "filename", "file_name", "filepath", "path"}


def read_rows(file: TableFile, image: str, group: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The file's cells as texts, each row under the index of its line less 2, and notes on what is odd.

    Raises:
        TableError: If the rows do not fit the header, a column is missing, or an image is empty.
    """
    name = file.path.name
    columns = f"the columns are: {columns_of(file.names)}{hint(file)}"
    for needed in [image, *([group] if group else [])]:
        if needed not in file.names:
            like = next((one for one in file.names if needed == IMAGE and one.casefold() in IMAGES), None)
            say = f"; is it {like!r}? Say image={like!r} (--image)" if like else ""
            raise TableError(f"{name}: no column {needed!r}; {columns}{say}.")
    if image != IMAGE and IMAGE in file.names:
        raise TableError(
            f"{name}: rename the column {IMAGE!r}, which is what {image!r} is called in tables; {columns}."
        )
    frame = _frame(file, {image, group})
    lines = file.line_numbers(len(frame))
    frame.index = frame.index + file.skipped if lines is None else pd.Index(lines - 2)
    frame, notes = _without_nameless(frame, file.names)
    again = _repeated_headers(frame, image)
    notes += [f"line {frame.index[row] + 2} repeats the header and is left out" for row in again[:5]]
    frame = frame.drop(index=frame.index[again]).dropna(how="all").rename(columns={image: IMAGE})
    tidied: dict[str, pd.Series] = {}
    for column in frame:
        if column in (IMAGE, group):
            tidied[column] = _strip(frame[column])
            continue
        tidied[column], found = without_blanks(frame[column])
        notes += [f"{short(column)}: {note}" for note in found]
    frame = pd.DataFrame(tidied, index=frame.index, copy=False)
    empty = frame.index[frame[IMAGE].isna()]
    if len(empty):
        raise TableError(f"{name}, line {empty[0] + 2}: the image is empty.")
    if lines is not None and (broken := frame[IMAGE].str.contains("[\r\n]")).any():
        line = frame.index[broken.to_numpy()][0] + 2
        raise TableError(f"{name}, line {line}: the image's path goes over several lines: is a quote never closed?")
    return frame, notes


def with_slashes(images: pd.Series, root: Path) -> tuple[pd.Series, list[str]]:
    r"""Paths as this system writes them: `img\0.png` is `img/0.png` where that is a file and the other is none."""
    if os.sep != "/":
        return images, []
    with_backslash = images[images.str.contains("\\", regex=False)].drop_duplicates()
    other = {
        path: slashed
        for path, slashed in zip(with_backslash, with_backslash.str.replace("\\", "/", regex=False))
        if not os.path.lexists(root / path) and os.path.lexists(root / slashed)
    }
    if not other:
        return images, []
    changed = images.isin(list(other))
    note = f"{count(int(changed.sum()), 'path')} with backslashes, read with slashes: {short(next(iter(other)))}"
    return _texts(images.where(~changed, images.map(other))), [note]


def _repeated_headers(frame: pd.DataFrame, image: str) -> np.ndarray:
    """The places of rows that hold the names of all columns, as where files were joined."""
    rows = np.flatnonzero((frame[image].str.strip() == image).to_numpy())
    for name in frame:
        rows = (
            rows[(frame[name].iloc[rows].astype(object).str.strip() == name).to_numpy(dtype=bool)]
            if len(rows)
            else rows
        )
    return rows


def _frame(file: TableFile, texts: set[str | None], width: int | None = None) -> pd.DataFrame:
    # What else is missing is decided later: "NA" or "None" may well be somebody's class.
    options = {"keep_default_na": False, "na_values": [""], "skip_blank_lines": False, "skiprows": file.skipped}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(
                file.path,
                sep=file.sep,
                encoding=file.encoding,
                header=0 if width is None else None,  # a header would say how long rows may be
                names=[*file.names, *(f"{place} beyond the header" for place in range(len(file.names), width or 0))],
                index_col=False,
                dtype=object,
                chunksize=CHUNK,
                **options,
            ) as chunks:
                frame = _join([_compact(chunk[file.names], texts) for chunk in chunks])
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        if width is None and (blank := file.width_with_blanks()):
            return _frame(file, texts, blank)
        raise TableError(f"{file.path.name}: not a table with a header: {file.explain(error)}.") from None
    except UnicodeError as error:
        raise TableError(f"{file.path.name}: {wrong_encoding(file.path, file.encoding, error)}.") from None
    if width is None:
        return frame
    frame = frame.iloc[1:].reset_index(drop=True)
    return frame.apply(lambda column: column if column.name in texts else column.cat.remove_unused_categories())


def _compact(chunk: pd.DataFrame, texts: set[str | None]) -> pd.DataFrame:
    """Labels as categories, which take a byte a row; a whole table of texts would take a hundred times that."""
    columns: dict[str, Any] = {}
    for name in chunk:
        if name in texts:
            columns[name] = _texts(chunk[name])
            continue
        codes, labels = pd.factorize(chunk[name].to_numpy(), sort=True)
        columns[name] = pd.Categorical.from_codes(codes, pd.Index(labels, dtype="str"))
    return pd.DataFrame(columns, index=chunk.index)


def _join(chunks: list[pd.DataFrame]) -> pd.DataFrame:
    if len(chunks) == 1:
        return chunks[0]
    columns: dict[str, Any] = {}
    for name in chunks[0]:
        parts = [chunk[name] for chunk in chunks]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals(parts, sort_categories=True)
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def _without_nameless(frame: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, list[str]]:
    nameless = [name for place, name in enumerate(names) if name == f"unnamed {place}"]
    filled = [name for name in nameless if frame[name].notna().any()]
    notes = [f"column {names.index(name) + 1} has no name in the header and is left out" for name in filled[:5]]
    return frame.drop(columns=nameless), notes


def _strip(column: pd.Series) -> pd.Series:
    """Texts without blanks around them, of which each different one is kept once, however many rows have it."""
    codes, texts = pd.factorize(column)
    texts = _texts(pd.Series([*pd.Series(texts, dtype=object).str.strip().replace("", None), None], dtype=object))
    return pd.Series(texts.array[codes], index=column.index, name=column.name)


def _texts(column: pd.Series) -> pd.Series:
    """Texts, and missing ones, in the type that pandas has for them.

    Before pandas 3 that is `object`, and its `astype("str")` would make the text "nan" of what is missing
    (https://pandas.pydata.org/docs/user_guide/migration-3-strings.html).
    """
    return column.astype("str" if int(pd.__version__.partition(".")[0]) >= 3 else object)
