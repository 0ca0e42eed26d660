"""Folders beside the target, in which things are written; those of killed writers are found by their names."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
import tempfile
import time
from pathlib import Path

# `old` holds what has been moved aside to make place. The host and the process that writes, and something random.
NAME = re.compile(r"\.mtlzoo-(?P<old>old-)?(?P<host>[0-9a-f]{8})-(?P<process>\d{1,10})-[a-z0-9_]{8}")
STALE = 24 * 3600  # seconds without a change, after which another machine's writer is taken to be gone

_ours: set[str] = set()


def make_temporary(parent: Path, old: bool = False) -> Path:
    """Make a folder of this process in `parent`."""
    folder = tempfile.mkdtemp(prefix=f".mtlzoo-{'old-' if old else ''}{_host()}-{os.getpid()}-", dir=parent)
    _ours.add(folder)
    return Path(folder)


def remove_temporary(folder: Path, keep: bool = False) -> None:
    """Remove a folder that :func:`make_temporary` made, or keep it for :func:`remove_leftovers` to bring back."""
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    _ours.discard(str(folder))


def is_temporary(name: str) -> bool:
    """Whether a folder of this name is one that a process writes in, or did.

    Args:
        name: The folder's name, without what it lies in.

    Returns:
        Whether it has the form of :func:`make_temporary`.

    Example:

    ```python
    mtl.files.is_temporary("run")  # False
    ```
    """
    return NAME.fullmatch(name) is not None


def remove_leftovers(parent: str | os.PathLike[str]) -> None:
    """Remove what writers that were killed have left in a folder; what they had moved aside and not replaced comes back.

    Args:
        parent: The folder.

    Example:

    ```python
    mtl.files.remove_leftovers(".")
    ```
    """
    try:
        with os.scandir(os.fspath(parent)) as entries:
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for folder in folders:
        match = NAME.fullmatch(folder.name)
        if match is None or not _is_abandoned(folder.path, match["host"], int(match["process"])):
            continue
        if match["old"]:
            _bring_back(Path(folder.path))
        shutil.rmtree(folder.path, ignore_errors=True)


def _bring_back(folder: Path) -> None:
    for kept in list(folder.iterdir()):
        if not os.path.lexists(folder.parent / kept.name):
            os.rename(kept, folder.parent / kept.name)


def _is_abandoned(folder: str, host: str, process: int) -> bool:
    if host != _host() or os.name != "posix":
        return time.time() - _last_change(folder) > STALE
    if process == os.getpid():  # an earlier process had the same number, as in a container that was started anew
        return os.path.abspath(folder) not in {os.path.abspath(ours) for ours in _ours}
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _last_change(folder: str) -> float:
    places = [folder, *(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)]
    times = []
    for place in places:
        try:
            times.append(os.lstat(place).st_mtime)
        except OSError:
            return time.time()  # another process is removing it
    return max(times)


@functools.cache
def _host() -> str:
    """This machine; of several containers, which count their processes each by itself, this one."""
    try:
        processes = os.readlink("/proc/self/ns/pid")
    except OSError:
        processes = ""
    return hashlib.sha256(f"{platform.node()} {processes}".encode()).hexdigest()[:8]
