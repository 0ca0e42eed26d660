"""Images inside of larger files: an address such as `part-00000-of-00004.tfrecord#1234+5678-9abcdef0` is a path, too."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple

SUFFIX = ".tfrecord"
ADDRESS = re.compile(rf"(.*{re.escape(SUFFIX)})#(\d+)\+(\d+)-([0-9a-f]{{8}})", re.DOTALL)


class Record(NamedTuple):
    """Where an image's bytes lie: the file, the first byte, how many, and their CRC-32."""

    file: str
    offset: int
    length: int
    checksum: int

    def __str__(self) -> str:
        return f"{self.file}#{self.offset}+{self.length}-{self.checksum:08x}"

    def read(self) -> bytes | None:
        """The bytes, or `None` where they are not those that were written.

        Raises:
            OSError: If the file cannot be read.
        """
        with open(self.file, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), self.length, self.offset)
        return data if len(data) == self.length and zlib.crc32(data) == self.checksum else None


def find_record(path: str) -> Record | None:
    """The record that a path is the address of, `None` where it is that of a file."""
    found = ADDRESS.fullmatch(path) if f"{SUFFIX}#" in path else None
    if found is None:
        return None
    return Record(found[1], int(found[2]), int(found[3]), int(found[4], 16))


def files_of(paths: Iterable[str]) -> list[str]:
    """The files that images lie in, each once."""
    files = dict.fromkeys(paths)
    return list(dict.fromkeys(path if (record := find_record(path)) is None else record.file for path in files))
