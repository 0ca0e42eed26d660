"""Moved into place in one step: what was there is whole until what is new is there."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

from mtlzoo.errors import OutputError
from mtlzoo.files.checks import AGAIN, check_output, shown
from mtlzoo.files.kinds import FolderKind
from mtlzoo.files.temporary import make_temporary, remove_temporary

HERE = -100  # AT_FDCWD
ONLY_NEW, EXCHANGE = 1, 2  # RENAME_NOREPLACE, RENAME_EXCHANGE
UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)  # to the kernel, the file system or a sandbox


def move(new: Path, path: Path, kind: FolderKind | None, overwrite: bool) -> None:
    """Move what is new to where :func:`check_output` lets it.

    Args:
        new: What was written.
        path: Its place.
        kind: What the folder is; `None` for a file.
        overwrite: Whether what is there may be replaced.

    Raises:
        OutputError: If something has come there by now that is not to be replaced.
    """
    if kind is None and overwrite:
        os.replace(new, path)  # which never replaces a folder
        return
    if kind is None or not os.path.lexists(path):
        try:
            return _rename_new(new, path)
        except OutputError:
            if kind is None or not overwrite:
                raise
            check_output(path, kind=kind, overwrite=True)
    _replace_folder(new, path)


def _rename_new(new: Path, path: Path) -> None:
    """Move into a place where nothing is, not even since a moment ago."""
    try:
        if not _rename(new, path, ONLY_NEW):
            if os.path.lexists(path):
                raise FileExistsError
            os.rename(new, path)
    except FileExistsError:
        raise OutputError(f"{shown(path)} exists by now and is left as it is; choose another name {AGAIN}.") from None


def _replace_folder(new: Path, path: Path) -> None:
    """Change places; where the system cannot do that, the old one goes aside, and comes back if that was too early."""
    if _rename(new, path, EXCHANGE):
        return
    aside = make_temporary(path.parent, old=True)
    try:
        os.replace(path, aside / path.name)
        try:
            os.replace(new, path)
        except BaseException:
            os.replace(aside / path.name, path)
            raise
    finally:
        remove_temporary(aside, keep=not os.path.lexists(path))


def _rename(source: Path, target: Path, how: int) -> bool:
    """Rename in one step as only Linux can; whether the system can at all."""
    function = _renameat2()
    if function is None or function(HERE, os.fsencode(source), HERE, os.fsencode(target), how) == 0:
        return function is not None
    number = ctypes.get_errno()
    if number in UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), os.fspath(target))


@functools.cache
def _renameat2() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # a C library without it
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function
