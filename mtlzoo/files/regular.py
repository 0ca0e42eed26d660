"""Files that can be read to their end: no pipe, device, socket or folder, of which some would wait forever."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

from mtlzoo.errors import InputError, NotAFileError

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[FileIO]:
    """Open a regular file for reading, and nothing else.

    A pipe without a writer would make a plain `open` wait forever.

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


def require_file(path: str | os.PathLike[str], what: str) -> None:
    """Refuse what cannot be read to its end, before it is opened.

    Args:
        path: The path.
        what: What the file should be: `label file`.

    Raises:
        FileNotFoundError: If there is nothing.
        NotAFileError: If it is a pipe, a socket, a device or a directory.
    """
    if os.path.isfile(path):
        return
    if not os.path.exists(path):
        raise FileNotFoundError(f"No such {what}: {path}.")
    raise NotAFileError(f"{path} {missing_reason(path)}; expected a {what}.")


def require_folder(path: str | os.PathLike[str]) -> None:
    """Refuse what is no folder.

    Raises:
        FileNotFoundError: If there is nothing.
        InputError: If it is something else.
    """
    if os.path.isdir(path):
        return
    if not os.path.exists(path):
        raise FileNotFoundError(f"No such folder: {path}.")
    raise InputError(f"Expected a folder, received {'a file' if os.path.isfile(path) else 'something else'}: {path}.")


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def missing_reason(path: str | os.PathLike[str]) -> str:
    """Why a path is no regular file: "no such file", or what lies there."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return "no such file"
    return f"is {_kind(mode)}, not a file"


def _kind(mode: int) -> str:
    return KINDS.get(stat.S_IFMT(mode), "something else")
