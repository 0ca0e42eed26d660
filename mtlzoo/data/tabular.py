"""Plain tables: one column a head, or one row a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from mtlzoo.data.cells import short
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.dialects import Dialect, columns_of, hint, look_at
from mtlzoo.data.long_layout import LONG, check_labels, is_long, pivot
from mtlzoo.data.markers import is_uncertain, told_markers
from mtlzoo.data.parts import find_split, look_like_parts, split_note
from mtlzoo.data.rows import read_rows, with_slashes
from mtlzoo.data.settling import Settled, Writing, settle
from mtlzoo.data.spelling import tidy_gaps
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.files.regular import require_file
from mtlzoo.heads import Head, get_heads


def read_csv(
    path: str | Path,
    heads: Mapping[str, Head | int | str | None] | Sequence[str] | None = None,
    *,
    image: str = IMAGE,
    root: str | Path | None = None,
    group: str | None = None,
    ignore: Sequence[str] = (),
    missing: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
    split_column: str | None = None,
    layout: str | None = None,
    **dialect: Unpack[Dialect],
) -> LabelTable:
    """Read a table of images and labels.

    Two layouts are known. *Wide*: a column of images and one column a head, empty where a label is missing. *Long*: the
    columns `image`, `head` and `label`, one row a label. Blanks around a cell do not count, nor do empty lines; names of
    labels stay as they are written. What each column was taken for, and why, is told by `table.describe()`, and what is
    odd by `table.notes`.

    Args:
        path: The file, a table with a header. For a folder, its `labels.csv`.
        heads: The heads by name, where a value may also be a kind of head (`"ordinal"`) or `None` for a guess; or names
            of columns, whose kinds are guessed by :func:`infer_head`; or `None` for all columns but the image's, the
            group's and the ignored ones.
        image: The name of the column of images, paths relative to `root`.
        root: Where relative paths start; the file's own folder by default.
        group: A column that is no head but says which rows belong together, for :func:`split`.
        ignore: Other columns that are no heads; in the long layout also values of the column `head`.
        missing: Cells that mean a missing label, beside those that always do (`NA`, `?`, ...; see the page on missing
            labels): a list for all columns, or a dictionary from column to list. An empty list means that only empty
            cells are missing. Names of a head that is given are labels all the same.
        split_column: The column that says the part of each row, for :meth:`LabelTable.parts`. By default the one whose cells
            all say train, valid or test, unless it is among `heads` or ignored; a note says so.
        layout: `"wide"` or `"long"`; by default wide, and long where that is beyond doubt.
        **dialect: `sep`, `encoding` and `decimal`, where the file does not show them by itself; see :class:`Dialect`.

    Returns:
        A table with one row a row of the file, or, in the long layout, one row an image. Columns that are no heads stay
        in the frame of a wide table.

    Raises:
        FileNotFoundError: If there is no such file.
        TableError: If columns are missing, heads unknown, or a label cannot be read; the message names file and line.

    Example:

    ```python
    table = mtl.data.read_csv("labels.csv", heads=["garment", "kids"], group="sender_id", missing=["unknown"])
    print(table.describe())
    ```
    """
    for name in dialect.keys() - Dialect.__annotations__.keys():
        raise TypeError(f"read_csv() got an unexpected keyword argument {name!r}.")
    heads = [heads] if isinstance(heads, str) else heads
    ignored = [ignore] if isinstance(ignore, str) else list(ignore)
    settings = CsvSettings(image, group, ignored, root, split_column, missing, layout, dialect)
    return _read(Path(path), heads, settings)


def read_known(
    path: str | Path,
    heads: Mapping[str, Head],
    *,
    missing: Any = None,
    split_column: str | None = None,
    layout: str | None = None,
    **dialect: Unpack[Dialect],
) -> LabelTable:
    """Read a table for the heads of a model, as far as it has columns for them; no other column is looked at."""
    settings = CsvSettings(split=split_column, missing=missing, layout=layout, dialect=dialect)
    return _read(Path(path), heads, settings, only_known=True)


@dataclass(frozen=True)
class CsvSettings:
    """How a table is written, as far as it was told; see :func:`read_csv`.

    Attributes:
        image: The column of images.
        group: The column that says which rows belong together.
        ignored: Other columns that are no heads.
        root: Where relative paths start; `None` for the file's own folder.
        split: The column that says the part of each row; `None` for the one that looks like it.
        missing: Cells that mean a missing label, a list for all columns or a dictionary from column to list.
        layout: `"wide"`, `"long"` or `None` where the table decides.
        dialect: `sep`, `encoding` and `decimal`, as far as the file does not show them.
    """

    image: str = IMAGE
    group: str | None = None
    ignored: Sequence[str] = ()
    root: str | Path | None = None
    split: str | None = None
    missing: Any = None
    layout: str | None = None
    dialect: Dialect = field(default_factory=Dialect)

    def markers(self, name: str) -> frozenset[str] | None:
        """The cells of a column that mean a missing label, see :func:`mtlzoo.data.markers.told_markers`."""
        return told_markers(self.missing, name)


def _read(path: Path, heads: Any, settings: CsvSettings, only_known: bool = False) -> LabelTable:
    image, group = settings.image, settings.group
    if path.is_dir():
        path = path / "labels.csv"
    require_file(path, "label file")
    root = path.parent if settings.root is None else Path(settings.root)
    file = look_at(path, image, settings.dialect)
    if heads and not only_known and not set(LONG) <= set(file.names) and image in file.names:
        _check_names(list(heads), [], file.names, (), [group], path.name)  # Before millions of rows are read.
    frame, notes = read_rows(file, image, group)
    if file.backslashes:
        frame[IMAGE], slashed = with_slashes(frame[IMAGE], root)
        notes += slashed
    others = [*settings.ignored, *([group] if group else [])]
    long_ones = LONG if set(LONG) <= set(frame) else ()  # which may be heads, or say them
    parts = find_split(frame, settings.split, heads, [IMAGE, *others, *long_ones], path.name)
    others += [parts] if parts and parts not in (heads or ()) else []
    long = is_long(frame, settings.layout, heads, others, path.name)
    rows, frame = frame, pivot(frame, path.name, [group, parts]) if long else frame
    if only_known:
        heads = {name: head for name, head in heads.items() if name in frame and name != IMAGE}
    names = [name for name in frame if name not in {IMAGE, *others}] if heads is None else list(heads)
    _check_names(names, settings.ignored, frame, rows, [group, parts], path.name)
    if heads is None and not names:
        raise TableError(f"{path.name}: no column of labels beside {columns_of(list(frame))}{hint(file)}.")
    if isinstance(settings.missing, Mapping):
        _check_names([], list(settings.missing), frame, rows, [group, parts], path.name)
    given = heads if isinstance(heads, Mapping) else dict.fromkeys(names)
    writing = Writing(
        file.sep,
        settings.dialect.get("decimal"),
        gaps=not long or bool(rows["label"].isna().any()),
        uncertain=any(is_uncertain(frame[name]) for name in given),
    )
    settled = {
        name: _settle(frame[name], head, name, settings.markers(name), writing, path.name)
        for name, head in given.items()
    }
    looks = {
        name: look_like_parts(one.column) for name, one in settled.items() if given[name] is None and heads is None
    }
    trains = [f"{short(name)}: {note}" for name, note in looks.items() if note]
    table = LabelTable(
        _with_columns(frame, settled, group),
        {name: one.head for name, one in settled.items()},
        root=root,
        source=path.name,
        first_line=None if long else 2,
        notes=(*notes, *(f"{short(name)}: {note}" for name, one in settled.items() for note in one.notes), *trains),
        # A model's heads are as they are; nobody chose them for this table.
        remarks={name: one.remarks[1:] if only_known else one.remarks for name, one in settled.items()},
        literal=frozenset(name for name in settled if settings.markers(name) == frozenset()),
        split=parts,
    )
    if parts is not None:
        table = replace(table, notes=(*table.notes, split_note(table)))
    if long:
        check_labels(rows, table)
    table.labels()
    return table


def _check_names(
    heads: Sequence[str],
    others: Sequence[str],
    frame: pd.DataFrame | Sequence[str],
    rows: pd.DataFrame | Sequence[str],
    others_told: Sequence[str | None],
    source: str,
) -> None:
    """Refuse heads and other columns that are not there."""
    if IMAGE in heads:
        raise TableError(f"{source}: a head cannot be called {IMAGE!r}, as the column of paths is.")
    for name in [*heads, *sorted(others)]:
        if name not in frame and (name in heads or name not in rows):
            known = columns_of([column for column in frame if column not in {IMAGE, *others_told}])
            what = "head" if name in heads else "column"
            raise TableError(f"{source}: unknown {what} {short(str(name))!r}, expected some of: {known}.")


def _settle(
    column: pd.Series,
    given: Head | int | str | None,
    name: str,
    told: frozenset[str] | None,
    writing: Writing,
    source: str,
) -> Settled:
    if given is not None and not isinstance(given, str):
        given = get_heads({name: given})[name]
    try:
        return settle(column, given, told, writing)
    except ValueError as error:
        raise TableError(f"{source}: head {short(name)!r}: {error}.") from None


def _with_columns(frame: pd.DataFrame, settled: Mapping[str, Settled], group: str | None) -> pd.DataFrame:
    """The frame with the columns of heads as they were settled, and all others tidy."""
    columns = {}
    for name in frame:
        if name in settled:
            columns[name] = settled[name].column
        elif name in (IMAGE, group) or not isinstance(frame[name].dtype, pd.CategoricalDtype):
            columns[name] = frame[name]
        else:
            columns[name] = tidy_gaps(frame[name], None)
    return pd.DataFrame(columns, index=frame.index, copy=False)
