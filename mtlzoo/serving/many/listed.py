"""The list of all images on disk, so that a million of them take no memory."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType

from mtlzoo.errors import TableError
from mtlzoo.serving.many.inputs import Row


class ListedImages:
    """Images, written to a file without a name that goes with the process, however that ends.

    Args:
        rows: The images.
        folder: Where there is space; about a hundred bytes an image.
        rows_per_file: How many rows each file of predictions has; the last one may have fewer.

    Attributes:
        digest: A checksum over names, paths and regions, in their order.

    Raises:
        TableError: If there are none.
    """

    def __init__(self, rows: Iterable[Row], folder: Path, rows_per_file: int):
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 # closed by `__exit__`
        self._rows, self._rows_per_file, self._starts, place = 0, rows_per_file, [], 0
        digest = hashlib.blake2b(digest_size=16)
        for row in rows:
            if self._rows % rows_per_file == 0:
                self._starts.append(place)
            region = None if row.region is None else [float(edge) for edge in row.region]
            line = json.dumps([row.image, row.path, region]).encode() + b"\n"
            digest.update(line)
            place += self._file.write(line)
            self._rows += 1
        if not self._rows:
            self._file.close()
            raise TableError("No images.")
        self._file.flush()
        self.digest = digest.hexdigest()

    def __enter__(self) -> ListedImages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._rows

    @property
    def files(self) -> int:
        """How many files the predictions take."""
        return len(self._starts)

    def count(self, file: int) -> int:
        """How many images a file has."""
        return min(self._rows_per_file, self._rows - file * self._rows_per_file)

    def rows(self, file: int) -> Iterator[Row]:
        """The images of a file."""
        self._file.seek(self._starts[file])
        for line in islice(self._file, self.count(file)):
            yield Row(*json.loads(line))
