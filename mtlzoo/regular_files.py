"""Files that can be read to their end: no pipe, device, socket or folder, of which some would never answer."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


@contextmanager
def open_regular(path: str | os.PathLike) -> Iterator[FileIO]:
    """Open a regular file for reading, and nothing else.

    A pipe that nobody writes to would make a plain `open` wait forever.

    Args:
        path: The path.

    Yields:
        The file, unbuffered.

    Raises:
        OSError: It cannot be opened, or is a pipe, a socket, a device or a directory; `strerror` says which.
    """
    with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, f"{_kind(mode)}, not a file", os.fspath(path))
        yield file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def missing_reason(path: str | Path) -> str:
    """Why a path that is no regular file is none: "no such file", or what lies there."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return "no such file"
    return f"is {_kind(mode)}, not a file"


def _kind(mode: int) -> str:
    return KINDS.get(stat.S_IFMT(mode), "something else")
