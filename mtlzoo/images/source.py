"""Where an image's bytes come from: a file, or a record in a larger one."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from mtlzoo.errors import ImageError
from mtlzoo.files.regular import open_regular
from mtlzoo.images.known_files import Facts, KnownFiles
from mtlzoo.images.records import find_record

MAX_BYTES = 2**31 - 1  # what OpenCV takes
# A file that has changed just now may change again within the same tick of the file system's clock, which no stamp would
# show. Clocks of Linux tick every 10 ms or faster; times without a fraction are those of a file system that keeps seconds.
TICK, SECONDS = 20_000_000, 2_000_000_000

_known = KnownFiles()


class Version(NamedTuple):
    """A file as it is at one time.

    Attributes:
        key: A 64-bit number for its path, size, times and inode, above 0.
        settled: Whether any later change is sure to give another key.
    """

    key: int
    settled: bool


class ImageSource:
    """The bytes of one image.

    It holds no more than its path, so that a table of a million rows makes sources as they are needed. What reading a
    file has told (its digest, and its image's size) is remembered for all sources of this path in the process, for as
    long as neither size nor times of the file change: checking images, comparing their contents and the digests of a
    training that is resumed together read a file once.

    Args:
        path: The path of a file, or the address of a record, see `mtlzoo.images.records`.

    Attributes:
        path: The path.

    Example:

    ```python
    from mtlzoo.images.source import ImageSource

    source = ImageSource("no/such/file.jpg")
    assert source.byte_size() is None and source.known() is None
    ```
    """

    __slots__ = ("_record", "path")

    def __init__(self, path: str | Path):
        self.path = os.fspath(path)
        self._record = find_record(self.path)

    def byte_size(self) -> int | None:
        """How many bytes there are, `None` where there is no such file. The file is not read."""
        if self._record is not None:
            return self._record.length
        try:
            status = os.stat(self.path)
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self) -> bytes:
        """The bytes.

        Raises:
            ImageError: They cannot be read; the error does not name the path.
        """
        try:
            if self._record is None:
                with open_regular(self.path) as file:
                    size = os.fstat(file.fileno()).st_size
                    if size > MAX_BYTES:
                        raise ImageError(f"has {size:,} bytes, more than the {MAX_BYTES:,} that are read of an image")
                    return file.read()
            data = self._record.read()
        except ImageError:
            raise
        except FileNotFoundError:
            raise ImageError("file not found") from None
        except IsADirectoryError:
            raise ImageError("is a directory, not an image file") from None
        except OSError as error:
            raise ImageError(f"cannot be read ({error.strerror})") from None
        except ValueError:
            raise ImageError("not a valid path (it contains a null byte)") from None
        if data is None:
            raise ImageError("damaged record (its checksum is wrong)")
        return data

    def read_with_digest(self) -> tuple[bytes, bytes]:
        """The bytes and their digest, which is remembered.

        Raises:
            ImageError: As for :meth:`read`.
        """
        version = self.version()
        data = self.read()
        digest = content_digest(data)
        self.remember(version, Facts(digest))
        return data, digest

    def digest(self) -> bytes:
        """The BLAKE2b hash of the bytes, 16 bytes; the file is read unless its digest is known.

        Raises:
            ImageError: They cannot be read; the error does not name the path.
        """
        if (known := self.known()) is not None:
            return known.digest
        if self._record is not None:
            return self.read_with_digest()[1]
        version = self.version()
        try:
            with open_regular(self.path) as file:
                digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
        except (OSError, ValueError) as error:
            raise ImageError(getattr(error, "strerror", None) or str(error)) from None
        self.remember(version, Facts(digest))
        return digest

    def known(self) -> Facts | None:
        """What an earlier reading has told of the bytes as they are now, `None` where there was none."""
        version = self.version()
        return None if version is None else _known.get(version.key)

    def version(self) -> Version | None:
        """What tells whether the file is the same later on, `None` where there is no file; taken before it is read."""
        stamp = file_stamp(self.path if self._record is None else self._record.file)
        if stamp is None:
            return None
        _, modified, changed, _ = stamp
        settled = time.time_ns() - max(modified, changed) > (TICK if changed % 1_000_000_000 else SECONDS)
        return Version(hash((self.path, stamp)) & (2**64 - 1) or 1, settled)

    def remember(self, version: Version | None, facts: Facts) -> None:
        """Keep what the bytes of a version have told, for all sources of this path in the process."""
        if version is None or not version.settled:
            return
        known = _known.get(version.key)
        if known is None or known.digest != facts.digest or facts.size is not None:  # a digest alone tells less
            _known.put(version.key, facts)


def file_stamp(path: str | Path) -> tuple[int, int, int, int] | None:
    """What changes with a file: its size, its times (nobody can set that of its last change) and its inode."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def content_digest(data: bytes) -> bytes:
    """The BLAKE2b hash of bytes, 16 bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()
