"""Looking at image files before training: which cannot be read, and which are copies of each other."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mtlzoo.data.cores import available_cores
from mtlzoo.data.decoding import decode_image, read_file
from mtlzoo.data.records import find_record
from mtlzoo.errors import ImageError
from mtlzoo.progress import Progress


def check_images(paths: Sequence[str | Path], workers: int | None = None, progress: bool = False) -> dict[int, str]:
    """Finds the images that cannot be read, by decoding every file.

    Each file is read to its end; for JPEG the last step of decoding is done at 1/8 scale, which finds what full scale
    finds and takes a third of the time. A file that several rows share is decoded once.

    Args:
        paths: One path a row.
        workers: How many threads decode; by default one for each core.
        progress: Whether to show progress on standard error.

    Returns:
        Position of the row to the reason, one line without the path, for each row whose image cannot be read.

    Example:

    ```python
    import mtlzoo as mtl

    assert mtl.data.check_images(["no/such/file.jpg"]) == {0: "file not found"}
    ```
    """
    names = [os.fspath(path) for path in paths]
    distinct = list(dict.fromkeys(names))
    with ThreadPoolExecutor(workers or available_cores()) as pool:
        checks = pool.map(_reason, distinct)
        if progress:
            checks = _show_progress(checks, len(distinct))
        reasons = dict(zip(distinct, checks, strict=True))
    return {row: reason for row, name in enumerate(names) if (reason := reasons[name]) is not None}


def same_content(paths: Sequence[str | Path]) -> np.ndarray:
    """Groups files that are equal byte for byte.

    Only files whose size another file shares are read. Files that cannot be read are equal to nothing but themselves.

    Args:
        paths: One path a row.

    Returns:
        int64 array of group numbers, one a row: two rows have the same number if their files have the same content.
        Numbers start at 0, in the order of first appearance.

    Example:

    ```python
    import mtlzoo as mtl

    assert mtl.data.same_content(["missing.jpg", "missing too.jpg", "missing.jpg"]).tolist() == [0, 1, 0]
    ```
    """
    names = [os.fspath(path) for path in paths]
    sizes = {name: file_size(name) for name in dict.fromkeys(names)}
    seen, shared = set(), set()
    for size in sizes.values():
        (shared if size in seen else seen).add(size)
    groups: dict[object, int] = {}
    numbers = {}
    for name, size in sizes.items():
        content = _digest(name) if size is not None and size in shared else None
        numbers[name] = groups.setdefault(name if content is None else (size, content), len(groups))
    return np.array([numbers[name] for name in names], np.int64)


def _reason(path: str) -> str | None:
    try:
        decode_image(path, at_least=(1, 1))
    except ImageError as error:
        return error.reason
    return None


def _show_progress(checks: Iterable[str | None], total: int) -> Iterable[str | None]:
    progress = Progress()
    unreadable = 0
    for done, reason in enumerate(checks, start=1):
        unreadable += reason is not None
        progress.show(f"Checked {done} of {total} images, {unreadable} unreadable", last=done == total)
        yield reason


def file_size(path: str) -> int | None:
    """The bytes of a picture, `None` where there is no such file."""
    if (record := find_record(path)) is not None:
        return record.length
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _digest(path: str) -> bytes | None:
    try:
        if find_record(path) is not None:
            return hashlib.blake2b(read_file(path), digest_size=16).digest()
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except (OSError, ImageError):
        return None
