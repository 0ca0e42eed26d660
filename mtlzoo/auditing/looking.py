"""One look at each image of a table: can it be read, how large is it, and what does it look like."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.errors import ImageError
from mtlzoo.images.fingerprints import BITS, THUMBNAIL, Fingerprint, fingerprint
from mtlzoo.system.cores import available_cores
from mtlzoo.system.progress import Progress

AT_A_TIME = 1024  # files that wait for a thread, so that a million of them take no memory


@dataclass(frozen=True)
class Looks:
    """What the images of a table's rows look like; some 250 bytes a row.

    Attributes:
        reasons: By position of a row why its image cannot be read.
        content: int64 `(rows,)`, the same number for rows that show the same bytes (and the same region of them).
        sizes: int32 `(rows, 2)`, height and width in pixels, 0 where unreadable.
        brightness: float32 `(rows,)`, the mean of the pixels.
        contrast: float32 `(rows,)`, their standard deviation.
        bits: uint8 `(rows, 32)`, perceptual hashes.
        thumbnails: uint8 `(rows, 192)`, images at 8 by 8 pixels.
    """

    reasons: dict[int, str]
    content: np.ndarray
    sizes: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    bits: np.ndarray
    thumbnails: np.ndarray

    @property
    def readable(self) -> np.ndarray:
        """Positions of the rows whose images can be read."""
        return np.flatnonzero(self.sizes[:, 0] > 0)


def look_at_images(table: LabelTable, progress: bool = False) -> Looks:
    """Read each file of a table once, by all cores.

    Args:
        table: The rows.
        progress: Whether to show on standard error how far it is.
    """
    paths, regions = table.paths(), table.regions()
    rows = len(paths)
    sizes, bits = np.zeros((rows, 2), "int32"), np.zeros((rows, BITS // 8), "uint8")
    thumbnails = np.zeros((rows, 3 * THUMBNAIL**2), "uint8")
    brightness, contrast = np.zeros(rows, "float32"), np.zeros(rows, "float32")
    reasons: dict[int, str] = {}
    contents: dict[object, int] = {}
    content = np.zeros(rows, "int64")
    for row, found in enumerate(_fingerprints(paths, progress)):
        if isinstance(found, ImageError):
            reasons[row] = found.reason
            key: object = paths[row]
        else:
            sizes[row], bits[row], thumbnails[row] = found.size, found.bits, found.thumbnail
            brightness[row], contrast[row] = found.brightness, found.contrast
            key = found.digest
        region = None if regions is None or regions[row] is None else tuple(map(float, regions[row] or ()))
        content[row] = contents.setdefault((key, region), len(contents))
    return Looks(reasons, content, sizes, brightness, contrast, bits, thumbnails)


def _fingerprints(paths: list[str], progress: bool) -> Iterator[Fingerprint | ImageError]:
    shown, bad = Progress(), 0
    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, len(paths), AT_A_TIME):
            for place, found in enumerate(pool.map(_fingerprint, paths[start : start + AT_A_TIME]), start + 1):
                bad += isinstance(found, ImageError)
                if progress:
                    shown.show(f"Looked at {place} of {len(paths)} images, {bad} unreadable", place, len(paths))
                yield found


def _fingerprint(path: str) -> Fingerprint | ImageError:
    try:
        return fingerprint(path)
    except ImageError as error:
        return error
