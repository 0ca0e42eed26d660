"""Features in a folder: which of them are what was written."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from pathlib import Path

import numpy as np

from mtlzoo.files.regular import open_regular
from mtlzoo.images.source import file_stamp

FEATURES, DIGESTS = "features.npy", "digests.json"
FILES = (FEATURES, "matrices.npy", "sizes.npy")

# Entries that this process has checked, with what changes when one of their files does.
_checked: dict[Path, list[tuple[int, ...] | None]] = {}


def seal(entry: Path) -> None:
    """Write the checksums of an entry's files, when all of them are written."""
    (entry / DIGESTS).write_text(json.dumps({name: _digest(entry / name) for name in FILES}), encoding="utf-8")


def is_whole(entry: Path, shape: tuple[int, ...]) -> bool:
    """Whether an entry is there and every byte of it is what was written; one that is not is removed, with a warning.

    Each process reads an entry to its end once, and again when one of its files has changed.

    Args:
        entry: The folder.
        shape: The shape of its features.
    """
    if not entry.exists():
        return False
    stamps = [file_stamp(str(entry / name)) for name in (*FILES, DIGESTS)]
    if _checked.get(entry) == stamps:
        return True
    try:
        with open_regular(entry / DIGESTS) as file:
            written = json.loads(file.read().decode("utf-8"))
        whole = all(written[name] == _digest(entry / name) for name in FILES)
        whole = whole and np.load(entry / FEATURES, mmap_mode="r").shape == shape
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if whole:
        _checked[entry] = stamps
        return True
    warnings.warn(
        f"{entry}: cached features are damaged, incomplete or of an older version; they are computed again.",
        RuntimeWarning,
        stacklevel=2,
    )
    if entry.is_dir() and {path.name for path in entry.iterdir()} <= {*FILES, DIGESTS}:
        shutil.rmtree(entry, ignore_errors=True)
    return False


def _digest(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
