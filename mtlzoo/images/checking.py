"""Looking at image files before training: which cannot be read, and which are copies of each other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images.decoding import examine
from mtlzoo.images.source import ImageSource
from mtlzoo.system.cores import available_cores
from mtlzoo.system.progress import Progress

Looked = tuple[str | None, int | None]
FEW_BITS = 4095  # the largest sample of 12 bits
NAMED = 3


class Check(NamedTuple):
    """What was found in image files.

    Attributes:
        unreadable: Position of the row to the reason, one line without the path, for each row whose image cannot be read.
        notes: A line for what can be read but is hardly what was meant.
    """

    unreadable: dict[int, str]
    notes: list[str]


def check_images(paths: Sequence[str | Path], workers: int | None = None, progress: bool = False) -> dict[int, str]:
    """Finds the images that cannot be read, by decoding every file.

    Each file is read to its end; for JPEG the last step of decoding is done at 1/8 scale, which finds what full scale
    finds and takes a third of the time. A file that several rows share is decoded once, and so is one that is checked
    again in the same process and has not changed.

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
    return inspect_images(paths, workers, progress).unreadable


def inspect_images(paths: Sequence[str | Path], workers: int | None = None, progress: bool = False) -> Check:
    """`check_images`, with notes on images that can be read but come out nearly black.

    These are images of 12 bits, or fewer, in files of 16: cameras and scanners write them, and only a viewer that
    stretches them shows more than the darkest sixteenth.

    Args:
        paths: One path a row.
        workers: How many threads decode; by default one for each core.
        progress: Whether to show progress on standard error.
    """
    names = [os.fspath(path) for path in paths]
    distinct = list(dict.fromkeys(names))
    with ThreadPoolExecutor(workers or available_cores()) as pool:
        checks: Iterable[Looked] = pool.map(_look, distinct)
        if progress:
            checks = _show_progress(checks, len(distinct))
        found = dict(zip(distinct, checks, strict=True))
    unreadable = {row: reason for row, name in enumerate(names) if (reason := found[name][0]) is not None}
    dark = [name for name, (_, largest) in found.items() if largest is not None and 0 < largest <= FEW_BITS]
    return Check(unreadable, [_dark_note(dark, found)] if dark else [])


def same_content(paths: Sequence[str | Path]) -> np.ndarray:
    """Groups files that are equal byte for byte.

    Only files whose size another file shares are read, unless they have been read for a check before. Files that cannot be
    read are equal to nothing but themselves.

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
    sizes = {name: ImageSource(name).byte_size() for name in dict.fromkeys(names)}
    seen: set[int | None] = set()
    shared: set[int | None] = set()
    for size in sizes.values():
        (shared if size in seen else seen).add(size)
    groups: dict[object, int] = {}
    numbers = {}
    for name, size in sizes.items():
        content = _digest(name) if size is not None and size in shared else None
        numbers[name] = groups.setdefault(name if content is None else (size, content), len(groups))
    return np.array([numbers[name] for name in names], np.int64)


def _look(path: str) -> Looked:
    """Why an image cannot be read, and the largest of its samples where they have 16 bits."""
    try:
        return None, examine(ImageSource(path)).largest
    except ImageError as error:
        return error.reason, None


def _dark_note(dark: list[str], found: Mapping[str, Looked]) -> str:
    largest = max(found[name][1] or 0 for name in dark)
    named = ", ".join(dark[:NAMED]) + (", ..." if len(dark) > NAMED else "")
    return (
        f"{len(dark)} image{'s' * (len(dark) != 1)} of 16 bits without a sample above {largest:,} of 65,535, perhaps of 12 "
        f"bits: nearly black for the network; scale them to 8 bits: {named}"
    )


def _show_progress(checks: Iterable[Looked], total: int) -> Iterable[Looked]:
    progress = Progress()
    unreadable = 0
    for done, looked in enumerate(checks, start=1):
        unreadable += looked[0] is not None
        progress.show(f"Checked {done} of {total} images, {unreadable} unreadable", done, total)
        yield looked


def _digest(path: str) -> bytes | None:
    try:
        return ImageSource(path).digest()
    except ImageError:
        return None
