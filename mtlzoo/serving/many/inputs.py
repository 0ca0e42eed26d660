"""Which images there are: one after the other, in the same order each time."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from mtlzoo.data import LabelTable, read_csv
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.dialects import columns_of, hint, look_at
from mtlzoo.data.folders import SUFFIXES
from mtlzoo.data.long_layout import LONG
from mtlzoo.data.packing import DESCRIPTION, read_packed
from mtlzoo.errors import InputError, TableError
from mtlzoo.evaluation.fetching import is_url
from mtlzoo.files.regular import require_file
from mtlzoo.images.warping import Region

TABLES = (".csv", ".tsv")
MARK = b"\xef\xbb\xbf"  # which some editors put before UTF-8
ACCEPTED = (
    "a file, a folder, a pattern, a table (.csv, .tsv), a packed set, an opened list of paths, or several of these"
)


class Row(NamedTuple):
    """An image to predict for.

    Attributes:
        image: What it is called.
        path: Where it lies.
        region: The part of it that is shown, `(x_min, y_min, x_max, y_max)` in pixels; `None` for the whole.
    """

    image: str
    path: str
    region: Region | None = None


def list_rows(images: Any) -> Iterator[Row]:
    """The images that something stands for, without more of them in memory than the names in one folder.

    Args:
        images: A path: a file, a folder (all images below it, in the order of their paths), a pattern, a table (`.csv`,
            `.tsv`, with a column `image`) or a packed set; a file that was opened, such as `sys.stdin`, with a path a line;
            a table; or several of these.

    Raises:
        InputError: If it is nothing of these, a folder has no images, or a pattern fits no file.
        TableError: If a table has no column of images, or one is empty.
        OSError: If a folder or a list cannot be read.
    """
    if isinstance(images, LabelTable):
        regions = images.regions() or [None] * len(images)
        yield from map(Row, images.frame[IMAGE], images.paths(), regions)
    elif isinstance(images, str | os.PathLike):
        yield from _of_path(os.fsdecode(images))
    elif hasattr(images, "read"):
        yield from _of_lines(images)
    elif isinstance(images, Iterable) and not isinstance(images, bytes):
        for each in images:
            yield from list_rows(each)
    else:
        raise InputError(f"Expected {ACCEPTED}, received: {type(images).__name__}.")


def _of_path(path: str) -> Iterator[Row]:
    if is_url(path):
        raise InputError(f"{path} is an address, and nothing is fetched here: download it first.")
    if os.path.isdir(path):
        if os.path.isfile(os.path.join(path, DESCRIPTION)):
            yield from list_rows(read_packed(path))
            return
        found: Iterator[Row] = map(_row, _below("" if Path(path) == Path() else str(Path(path))))
    elif path.lower().endswith(TABLES) and os.path.lexists(path):
        found = _of_table(Path(path))
    elif glob.has_magic(path) and not os.path.lexists(path):
        found = map(_row, sorted(file for file in glob.iglob(path, recursive=True) if not os.path.isdir(file)))
    else:
        found = iter([_row(path)])
    first = next(found, None)
    if first is None:
        what = f"images in the folder {path}" if os.path.isdir(path) else f"files that fit the pattern {path!r}"
        raise InputError(f"Expected {what}, received none.")
    yield first
    yield from found


def _below(folder: str) -> Iterator[str]:
    """The images below a folder as :func:`mtlzoo.data.folders.images_below` finds them, in the order of their paths."""
    with os.scandir(folder or ".") as entries:
        names = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries if entry.name[0] != "."]
    names.sort()  # with its slash a folder stands where the paths below it do
    for name in names:
        path = os.path.join(folder, name.rstrip("/"))
        if not name.endswith("/"):
            if os.path.splitext(name)[1].lower() in SUFFIXES:
                yield path
        elif not os.path.islink(path):
            yield from _below(path)


def _of_lines(file: IO[Any]) -> Iterator[Row]:
    """A path a line; those of files whose names are no text come from files that were opened as bytes."""
    for number, line in enumerate(file):
        if isinstance(line, bytes):
            line = os.fsdecode(line.removeprefix(MARK) if number == 0 else line)
        if text := line.strip("\r\n"):
            if is_url(text):
                raise InputError(
                    f"line {number + 1}: {text} is an address, and nothing is fetched here: download it first."
                )
            yield _row(text)


def _of_table(path: Path) -> Iterator[Row]:
    """The column of images, without the others."""
    require_file(path, "table")
    table = look_at(path, IMAGE, {})
    if set(LONG) <= set(table.names) or table.backslashes:  # several rows an image, or paths of another system
        yield from list_rows(read_csv(path, heads={}))
        return
    if IMAGE not in table.names:
        raise TableError(f"{path.name}: no column {IMAGE!r}; the columns are: {columns_of(table.names)}{hint(table)}.")
    place = table.names.index(IMAGE)
    for line, cells in table.records():
        if not any(cell.strip() for cell in cells):
            continue
        image = cells[place].strip() if place < len(cells) else ""
        if not image:
            raise TableError(f"{path.name}, line {line}: the image is empty.")
        yield Row(image, os.path.join(path.parent, image))


def _row(path: str) -> Row:
    return Row(path, path)
