"""How a table is written: its encoding, what stands between cells, and where its header and rows are."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypedDict

import numpy as np

from mtlzoo.data.cells import short
from mtlzoo.errors import TableError

SEPARATORS = (",", ";", "\t", "|")
BLOCK = 2**20
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
NO_TABLES = {
    b"PK\x03\x04": "a workbook of a spreadsheet, or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old workbook of Excel",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
SAVE_AS = "save it as CSV (comma-separated, UTF-8)"


class Dialect(TypedDict, total=False):
    """How a table is written, as far as it is told; all else is seen in the file.

    Attributes:
        sep: What stands between cells, such as `";"` or a tab; by default what the header has, or Excel's line `sep=`.
        encoding: Such as `"cp1252"`; by default UTF-8, or UTF-16 where the file starts with its mark.
        decimal: `","` or `"."`; by default a point, or the comma in columns of numbers where cells are not divided by it.
    """

    sep: str
    encoding: str
    decimal: str


@dataclass(frozen=True)
class TableFile:
    """A file and how it is written.

    Attributes:
        path: The file.
        encoding: As Python calls it.
        sep: One character between cells.
        skipped: How many lines lie before the header.
        names: The columns; `unnamed 3` where the header says nothing.
        quoted: Whether there are quotes anywhere, so that a cell may go over several lines.
        backslashes: Whether there are backslashes anywhere.
        lines: How many lines the file has.
    """

    path: Path
    encoding: str
    sep: str
    skipped: int
    names: list[str]
    quoted: bool
    backslashes: bool
    lines: int

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The rows after the header, each with the line on which it starts."""
        with _open(self.path, self.encoding) as file, _large_cells():
            for _ in range(self.skipped):
                file.readline()
            reader, start = csv.reader(file, delimiter=self.sep), 0
            for place, cells in enumerate(reader):
                if place:
                    yield self.skipped + start + 1, cells
                start = reader.line_num

    def line_numbers(self, rows: int) -> np.ndarray | None:
        """The line on which each row starts; `None` where each row has a line of its own."""
        if not self.quoted or rows >= self.lines - self.skipped - 1:
            return None
        lines = np.fromiter((line for line, _ in self.records()), "int64")
        return lines if len(lines) == rows else None

    def width_with_blanks(self) -> int | None:
        """How many cells the longest row has, if all that no column has a name for are blank; else `None`."""
        longest, columns = 0, len(self.names)
        try:
            for _, cells in self.records():
                if len(cells) > columns and any(cell.strip() for cell in cells[columns:]):
                    return None
                longest = max(longest, len(cells))
        except (csv.Error, UnicodeError):
            return None
        return longest if longest > columns else None

    def explain(self, error: Exception) -> str:
        """Why the rows cannot be read, with the line."""
        line = 0
        try:
            for line, cells in self.records():
                if len(cells) > len(self.names) and any(cell.strip() for cell in cells[len(self.names) :]):
                    return (
                        f"line {line} has more cells than the header's {len(self.names)}; "
                        f"put quotes around cells that hold {self.sep!r}"
                    )
        except (csv.Error, UnicodeError):
            pass
        if "EOF" in str(error):
            return f"EOF inside quotes: the row that starts in line {line} has a quote that is never closed"
        return short(" ".join(str(error).split()), 200)


def look_at(path: Path, image: str, dialect: Dialect) -> TableFile:
    """Find out how a table is written.

    Args:
        path: The file.
        image: The column that is to be there, which tells the right separator from others.
        dialect: What is told.

    Returns:
        The file with its dialect and header.

    Raises:
        TableError: If it is no table that can be read, or its header is of no use.
    """
    sep, encoding = dialect.get("sep"), dialect.get("encoding")
    if sep in ("tab", "\\t"):
        sep = "\t"
    if sep is not None and (not isinstance(sep, str) or len(sep) != 1 or sep in '"\r\n'):
        raise TableError(f"{path.name}: expected `sep` as one character, received: {sep!r}.")
    if dialect.get("decimal") not in (None, ".", ","):
        raise TableError(f"{path.name}: expected `decimal` '.' or ',', received: {dialect['decimal']!r}.")
    if dialect.get("decimal") == sep == ",":
        raise TableError(f"{path.name}: `sep` and `decimal` cannot both be a comma.")
    encoding = encoding or _encoding(path)
    try:
        quoted, backslashes, lines = _count(path, encoding)
        with _open(path, encoding) as file, _large_cells():
            skipped, line = 0, file.readline()
            while line and not line.strip():
                skipped, line = skipped + 1, file.readline()
            said = re.fullmatch(r'"?sep=(.)"?\s*', line, re.IGNORECASE)
            if said:
                sep, skipped, line = sep or said[1], skipped + 1, file.readline()
            if not line.strip():
                raise TableError(f"{path.name}: not a table with a header: No columns.")
            sep = sep or _separator(line, image)
            header = next(csv.reader(_then(line, file), delimiter=sep))
    except LookupError:
        raise TableError(f"{path.name}: unknown encoding {encoding!r}, expected one such as 'cp1252'.") from None
    except UnicodeError as error:
        raise TableError(f"{path.name}: {wrong_encoding(path, encoding, error)}.") from None
    except csv.Error as error:
        raise TableError(f"{path.name}: not a table with a header: {error}.") from None
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise TableError(f"{path.name}: cannot be read: {' '.join(str(error).split())}.") from None
    names = [name.strip() or f"unnamed {place}" for place, name in enumerate(header)]
    counts = Counter(names)
    if len(counts) < len(names):
        twice = sorted(name for name, count in counts.items() if count > 1)
        raise TableError(f"{path.name}, line {skipped + 1}: more than one column is called {short(twice[0], 60)!r}.")
    return TableFile(path, encoding, sep, skipped, names, quoted, backslashes, lines)


def columns_of(names: list[str]) -> str:
    """The columns as a message lists them, short whatever they are."""
    listed = ", ".join(short(str(name), 60) for name in names[:20])
    return listed if len(names) <= 20 else f"{listed}, ... ({len(names):,} in all)"


def hint(file: TableFile) -> str:
    """What may be wrong with a header that lacks a column."""
    if len(file.names) == 1 and file.names[0].isdecimal():
        return "; the first line holds but a number, as lists of CelebA do: take it out, and divide cells by commas or tabs"
    if len(file.names) == 1:
        return "; it has one column only: is another separator meant? Say sep= (--sep)"
    if any(re.search(r"\.(jpe?g|png|webp|bmp|gif|tiff?)$", name, re.IGNORECASE) for name in file.names):
        return "; the first line looks like a row: the table needs a header"
    return ""


def wrong_encoding(path: Path, encoding: str, error: UnicodeError) -> str:
    """Why a file's bytes are no text, with the line."""
    line = ""
    if encoding.startswith("utf-8"):
        try:
            with _open_bytes(path) as file:
                data = file.read()
            data.decode("utf-8")
        except UnicodeDecodeError as found:
            line = f" (byte 0x{data[found.start]:02x} in line {data[: found.start].count(10) + 1})"
        encoding = "utf-8"
    wrong = f"not {encoding.upper()}{line}"
    return f'{wrong}; say its encoding, such as encoding="cp1252" (--encoding cp1252), or "gb18030" for Chinese'


# === The file ===


def _open_bytes(path: Path) -> IO[bytes]:
    return OPENERS.get(path.suffix.lower(), open)(path, "rb")


def _open(path: Path, encoding: str) -> IO[str]:
    return io.TextIOWrapper(_open_bytes(path), encoding=encoding, newline="")


@contextmanager
def _large_cells() -> Iterator[None]:
    """Lets cells be as long as they are; a cell of Python's `csv` has at most 128 KiB otherwise."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _then(line: str, file: IO[str]) -> Iterator[str]:
    yield line
    yield from file


def _encoding(path: Path) -> str:
    try:
        with _open_bytes(path) as file:
            start = file.read(4096)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise TableError(f"{path.name}: cannot be read: {' '.join(str(error).split())}.") from None
    for magic, what in NO_TABLES.items():
        if start.startswith(magic):
            raise TableError(f"{path.name}: {what}, no text; {SAVE_AS}.")
    for mark, encoding in MARKS.items():
        if start.startswith(mark):
            return encoding
    # UTF-16 without a mark: every other byte of what is written in ASCII is 0.
    for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(start) > 3 and start[place::2].count(0) > 0.4 * len(start[place::2]) and 0 not in start[1 - place :: 2]:
            return encoding
    return "utf-8-sig"


def _count(path: Path, encoding: str) -> tuple[bool, bool, int]:
    """Whether there are quotes and backslashes, and the number of lines."""
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    quoted = backslashes = False
    feeds = returns = 0
    last = b"\n"
    with _open(path, encoding) if wide else _open_bytes(path) as file:
        while read := file.read(BLOCK):
            block = read.encode() if isinstance(read, str) else read
            if b"\0" in block:
                line = feeds + block[: block.index(b"\0")].count(b"\n") + 1
                raise TableError(f"{path.name}, line {line}: holds a byte 0, which no text does; {SAVE_AS}.")
            quoted, backslashes = quoted or b'"' in block, backslashes or b"\\" in block
            feeds, last = feeds + block.count(b"\n"), block[-1:]
            returns += 0 if feeds else block.count(b"\r")  # Only where they are all that ends lines.
    return quoted, backslashes, (feeds or returns) + (last not in b"\r\n")


def _separator(header: str, image: str) -> str:
    """The separator in a header that gives the column of images; else the most frequent one."""
    bare = re.sub(r'"[^"]*"', lambda cell: "x" * len(cell[0]), header)
    found = sorted((sep for sep in SEPARATORS if sep in bare), key=bare.count, reverse=True)
    for sep in found:
        if image in [name.strip() for name in next(csv.reader([header], delimiter=sep))]:
            return sep
    return found[0] if found else ","
