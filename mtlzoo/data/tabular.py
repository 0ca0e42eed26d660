"""Plain tables: one column a head, or one row a label."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.inference import infer_head
from mtlzoo.data.parts import find_split, split_note
from mtlzoo.data.table import IMAGE, Table
from mtlzoo.errors import LabelError, TableError
from mtlzoo.heads import Head

LONG = ("head", "label")
CHUNK = 100_000


def read_csv(
    path: str | Path,
    heads: Mapping[str, Head | int | str | None] | Sequence[str] | None = None,
    *,
    image: str = IMAGE,
    root: str | Path | None = None,
    group: str | None = None,
    ignore: Sequence[str] = (),
    split_column: str | None = None,
) -> Table:
    """Read a table of images and labels.

    Two layouts are known. *Wide*: a column of images and one column a head, empty where a label is missing. *Long*: the
    columns `image`, `head` and `label`, one row a label. Blanks around a cell do not count, nor do empty lines.

    Args:
        path: The file; comma-separated with a header, UTF-8. For a folder, its `labels.csv`.
        heads: The heads by name, where a value may also be a kind of head (`"ordinal"`) or `None` for a guess; or names
            of columns, whose kinds are guessed by :func:`infer_head`; or `None` for all columns but the image's, the
            group's and the ignored ones.
        image: The name of the column of images, paths relative to `root`.
        root: Where relative paths start; the file's own folder by default.
        group: A column that is no head but says which rows belong together, for :func:`split`.
        ignore: Other columns that are no heads; in the long layout also values of the column `head`.
        split_column: The column that says the part of each row, for :meth:`Table.parts`. By default the one whose cells all
            say train, valid or test, unless it is among `heads` or ignored; a note says so.

    Returns:
        A table with one row a row of the file, or, in the long layout, one row an image. Columns that are no heads stay
        in the frame of a wide table.

    Raises:
        FileNotFoundError: If there is no such file.
        TableError: If columns are missing, heads unknown, or a label cannot be read; the message names file and line.

    Example:

    ```python
    table = mtl.data.read_csv("labels.csv", heads=["garment", "kids"], group="sender_id")
    ```
    """
    path = Path(path)
    if path.is_dir():
        path = path / "labels.csv"
    if not path.is_file():
        raise FileNotFoundError(f"No such label file: {path}.")
    heads = [heads] if isinstance(heads, str) else heads
    others = {IMAGE, group, *([ignore] if isinstance(ignore, str) else ignore)}
    frame = _read(path, image, group)
    long = set(LONG) <= set(frame)
    parts = find_split(frame, split_column, heads, [*others, *(LONG if long else ())], path.name)
    others |= {parts}
    rows, frame = frame, _pivot(frame, path.name, {group, parts} - {None}) if long else frame
    names = [name for name in frame if name not in others] if heads is None else list(heads)
    for name in [*names, *sorted(others - {IMAGE, group, parts})]:
        if name not in frame and (name in names or name not in rows):
            known = ", ".join(column for column in frame if column not in {IMAGE, group, parts})
            what = "head" if name in names else "column"
            raise TableError(f"{path.name}: unknown {what} {name!r}, expected some of: {known}.")
    if heads is None and not names:
        raise TableError(f"{path.name}: no column of labels beside {', '.join(frame)}.")
    given = heads if isinstance(heads, Mapping) else dict.fromkeys(names)
    read = {name: _head(head, frame[name], f"{path.name}: head {name!r}") for name, head in given.items()}
    root = path.parent if root is None else Path(root)
    table = Table(frame, read, root=root, source=path.name, first_line=None if long else 2, split=parts)
    if parts is not None:
        table = replace(table, notes=(*table.notes, split_note(table)))
    if long:
        _check_labels(rows, table)
    table.labels()
    return table


def _read(path: Path, image: str, group: str | None) -> pd.DataFrame:
    """The file's cells as texts, each row under the index of its line, the first line after the header being 0."""
    # Only the empty cell is missing: "NA" or "None" may well be somebody's class.
    options = {"keep_default_na": False, "na_values": [""], "encoding": "utf-8-sig", "skip_blank_lines": False}
    try:
        header = pd.read_csv(path, header=None, nrows=1, dtype=str, **options)
        names = [f"unnamed {place}" if pd.isna(name) else name.strip() for place, name in enumerate(header.iloc[0])]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise TableError(f"{path.name}, line 1: more than one column is called {twice[0]!r}.")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(
                path, header=0, names=names, index_col=False, dtype=object, chunksize=CHUNK, **options
            ) as chunks:
                frame = _join([_compact(chunk, {image, group}) for chunk in chunks])
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        if isinstance(error, pd.errors.ParserWarning):
            reason = f"line 2 has more cells than the header's {len(names)}"
        raise TableError(f"{path.name}: not a comma-separated table with a header: {reason}.") from None
    unnamed = [name for place, name in enumerate(names) if name == f"unnamed {place}"]
    frame = frame.drop(columns=unnamed).dropna(how="all")
    columns = f"the columns are: {', '.join(frame)}"
    for name in [image, *([group] if group else [])]:
        if name not in frame:
            raise TableError(f"{path.name}: no column {name!r}; {columns}.")
    if image != IMAGE and IMAGE in frame:
        raise TableError(
            f"{path.name}: rename the column {IMAGE!r}, which is what {image!r} is called in tables; {columns}."
        )
    frame = frame.rename(columns={image: IMAGE})
    for name in frame:
        frame[name] = _strip(frame[name]) if name in (IMAGE, group) else _tidy(frame[name])
    empty = frame.index[frame[IMAGE].isna()]
    if len(empty):
        raise TableError(f"{path.name}, line {empty[0] + 2}: the image is empty.")
    return frame


def _compact(chunk: pd.DataFrame, texts: set[str | None]) -> pd.DataFrame:
    """Labels as categories, which take a byte a row; a whole table of texts would take a hundred times that."""
    columns: dict[str, Any] = {}
    for name in chunk:
        if name in texts:
            columns[name] = chunk[name].astype("str")
            continue
        codes, labels = pd.factorize(chunk[name].to_numpy(), sort=True)
        columns[name] = pd.Categorical.from_codes(codes, pd.Index(labels, dtype="str"))
    return pd.DataFrame(columns, index=chunk.index)


def _join(chunks: list[pd.DataFrame]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in chunks[0]:
        parts = [chunk[name] for chunk in chunks]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals(parts, sort_categories=True)
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def _strip(column: pd.Series) -> pd.Series:
    """Texts without blanks around them, of which each different one is kept once, however many rows have it."""
    codes, texts = pd.factorize(column)
    texts = pd.Series([*pd.Series(texts, dtype=object).str.strip().replace("", None), None], dtype="str")
    return pd.Series(texts.array[codes], index=column.index, name=column.name)


def _tidy(column: pd.Series) -> pd.Series:
    """Labels as categories, which take a byte a row, without blanks around them, and 1 for 1.0.

    Programs write whole numbers with decimals where the column has gaps.
    """
    column = column.astype("category")
    if not len(column.cat.categories):
        return column
    texts = column.cat.categories.str.strip()
    numbers = pd.to_numeric(texts, errors="coerce")
    if texts.str.contains(".", regex=False).any() and (numbers % 1 == 0).all() and (abs(numbers) < 2**53).all():
        texts = numbers.astype("int64").astype(str)
    if (texts == column.cat.categories).all():
        return column
    codes, names = pd.factorize(texts.where(texts != "", None), sort=True)  # several texts may become one
    codes = np.append(codes, -1)[column.cat.codes]
    return pd.Series(pd.Categorical.from_codes(codes, names), index=column.index, name=column.name)


def _pivot(frame: pd.DataFrame, source: str, others: set[str]) -> pd.DataFrame:
    """One row an image from one row a label; `others` are columns of images, not of labels."""
    rows = frame.astype({"head": object, "label": object})
    homeless = rows.index[rows["head"].isna() & rows["label"].notna()]
    if len(homeless):
        raise TableError(f"{source}, line {homeless[0] + 2}: a label without the name of its head.")
    taken = rows.index[rows["head"].isin([IMAGE, *others])]
    if len(taken):
        name = rows["head"][taken[0]]
        raise TableError(f"{source}, line {taken[0] + 2}: a head cannot be called {name!r}, as another column is.")
    labels = rows.dropna(subset=["head", "label"])
    _check_same(labels, [IMAGE, "head"], "label", source)
    wide = labels.drop_duplicates([IMAGE, "head"]).pivot(index=IMAGE, columns="head", values="label")
    images = rows[[IMAGE]].drop_duplicates(ignore_index=True)
    for name in sorted(others):
        told = rows.dropna(subset=[name])
        _check_same(told, [IMAGE], name, source)
        images = images.merge(told[[IMAGE, name]].drop_duplicates(IMAGE), on=IMAGE, how="left")
    return images.merge(wide.astype("category").reset_index(), on=IMAGE, how="left").rename_axis(columns=None)


def _check_same(rows: pd.DataFrame, keys: list[str], column: str, source: str) -> None:
    differing = rows.groupby(keys)[column].transform("nunique") > 1
    if differing.any():
        first = rows[differing].iloc[0]
        lines = rows.index[(rows[keys] == first[keys]).all(axis=1)] + 2
        what = f"the head {first['head']!r}" if "head" in keys else f"the column {column!r}"
        raise TableError(
            f"{source}, lines {', '.join(map(str, lines))}: {first[IMAGE]} has different values for {what}: "
            f"{', '.join(map(repr, rows[column][lines - 2].unique()))}."
        )


def _check_labels(rows: pd.DataFrame, table: Table) -> None:
    """Read the labels of a long table where their lines are known."""
    for name, head in table.heads.items():
        own = rows[rows["head"] == name]
        try:
            head.encode(own["label"])
        except LabelError as error:
            line = own.index[error.row] + 2
            raise TableError(
                f"{table.source}, line {line} ({own[IMAGE].iloc[error.row]}): head {name!r}: {error.reason}."
            ) from None


def _head(given: Head | int | str | None, column: pd.Series, where: str) -> Head | int:
    """The head as given, or one that is guessed from the column or made for it by the name of its kind."""
    if given is not None and not isinstance(given, str):
        return given
    try:
        return infer_head(column, kind=given)
    except ValueError as error:
        raise TableError(f"{where}: {error}.") from None
