"""How rows are written: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import json
import math
import os
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import pandas as pd

from mtlzoo.files.spreadsheets import without_formulas


class RowWriter(ABC):
    """Writes frames to a file, one after the other.

    Args:
        path: The file.
        columns: A frame without rows, with the columns and kinds of all that follow.
        raw_cells: Whether texts of CSV files that look like formulas are written as they are.
    """

    def __init__(self, path: Path, columns: pd.DataFrame, raw_cells: bool = False):
        self.columns, self.raw_cells = columns, raw_cells
        self.file: IO[bytes] = open(path, "wb")  # noqa: SIM115 # closed by `__exit__`

    @abstractmethod
    def write(self, frame: pd.DataFrame) -> None:
        """Write some rows."""

    def finish(self) -> None:  # noqa: B027 # most have nothing to do
        """Write what is left to be written."""

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.finish()
                self.file.flush()
                os.fsync(self.file.fileno())  # it counts as done as soon as it has its name
        finally:
            self.file.close()


class CsvWriter(RowWriter):
    """Comma-separated, UTF-8, with a header."""

    header = True

    def write(self, frame: pd.DataFrame) -> None:
        """Write some rows."""
        frame = frame if self.raw_cells else without_formulas(frame)
        text = frame.to_csv(index=False, header=self.header, lineterminator="\n")
        self.file.write(text.encode("utf-8", "surrogateescape"))  # names of files that are no UTF-8 keep their bytes
        self.header = False

    def finish(self) -> None:
        """Write the header, if there was no row."""
        if self.header:
            self.write(self.columns)


class JsonLinesWriter(RowWriter):
    """An object of JSON a line; what is missing is `null`."""

    def write(self, frame: pd.DataFrame) -> None:
        """Write some rows."""
        names = [str(name) for name in frame]
        columns = [_plain(cells) for _, cells in frame.items()]
        for cells in zip(*columns):
            row = dict(zip(names, cells))
            try:
                line = json.dumps(row, ensure_ascii=False).encode()
            except UnicodeEncodeError:  # a file's name that is no UTF-8, as `json.loads` gives it back
                line = json.dumps(row).encode()
            self.file.write(line + b"\n")


class ParquetWriter(RowWriter):
    """Columns of numbers and texts; lists (places, objects) are texts of JSON. Needs `pyarrow`.

    Raises:
        ImportError: If it is not installed.
    """

    def __init__(self, path: Path, columns: pd.DataFrame, raw_cells: bool = False):
        import pyarrow

        self.arrow, self.frames = pyarrow, [columns]
        fields = []
        for name, kind in columns.dtypes.items():
            number = pd.api.types.is_numeric_dtype(kind) and name != "image"
            fields.append((str(name), pyarrow.from_numpy_dtype(kind) if number else pyarrow.string()))
        self.schema = pyarrow.schema(fields)
        super().__init__(path, columns, raw_cells)

    def write(self, frame: pd.DataFrame) -> None:
        """Keep some rows; columns are written at once."""
        self.frames.append(frame)

    def finish(self) -> None:
        """Write all rows."""
        from pyarrow import parquet

        arrays = []
        for place, field in enumerate(self.schema):
            parts = [frame.iloc[:, place] for frame in self.frames if len(frame)]
            if self.arrow.types.is_string(field.type):
                values: Any = [_text(cell) for part in parts for cell in part]
            else:
                values = np.concatenate([part.to_numpy() for part in parts]) if parts else []
            arrays.append(self.arrow.array(values, field.type))
        parquet.write_table(self.arrow.Table.from_arrays(arrays, schema=self.schema), self.file)


FORMATS: dict[str, type[RowWriter]] = {"jsonl": JsonLinesWriter, "csv": CsvWriter, "parquet": ParquetWriter}


def check_format(name: str) -> str:
    """The name of a format.

    Raises:
        ValueError: If there is no such format.
        ImportError: If what it needs is not installed.
    """
    if name not in FORMATS:
        raise ValueError(f"Expected a format of predictions, one of {', '.join(FORMATS)}, received: {name!r}.")
    if name == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ImportError('Parquet files are written by pyarrow: pip install "mtlzoo[parquet]"') from None
    return name


def _plain(cells: pd.Series) -> list[Any]:
    """The cells of a column as JSON has them; numbers with as many digits as they have, as in CSV files."""
    if cells.dtype == np.float32:
        return [float(str(cell)) if math.isfinite(cell) else None for cell in cells.to_numpy()]
    if cells.dtype.kind == "f":
        return [cell if math.isfinite(cell) else None for cell in cells.tolist()]
    return [_finite(cell) for cell in cells.tolist()]


def _finite(cell: Any) -> Any:
    if isinstance(cell, list | tuple):
        return [_finite(part) for part in cell]
    if isinstance(cell, np.ndarray | np.generic):
        return _finite(cell.tolist())
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _text(cell: Any) -> str | None:
    cell = _finite(cell)
    if isinstance(cell, str):
        return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")  # Parquet has UTF-8 alone
    return None if cell is None else json.dumps(cell)
