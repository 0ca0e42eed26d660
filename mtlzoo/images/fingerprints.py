"""What tells one image from another at a glance: a perceptual hash, and the distance of two images pixel by pixel."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images.decoding import decode_with_size
from mtlzoo.images.source import ImageSource

SIDE = 16  # of the hash, whose bits say where brightness rises from left to right
BITS = SIDE * SIDE
THUMBNAIL = 8  # pixels along a side of what is kept of each image
DECODED = 64  # pixels along a side that are decoded at least
SEEN = 32  # pixels along a side of what two images are compared by, few enough that scaled copies look the same


class Fingerprint(NamedTuple):
    """What one reading of an image tells.

    Attributes:
        digest: The BLAKE2b hash of its bytes, 16 bytes.
        size: The (height, width) that a viewer shows, in pixels.
        brightness: The mean of its pixels, 0 to 255.
        contrast: Their standard deviation.
        bits: uint8 `(32,)`, the perceptual hash.
        thumbnail: uint8 `(192,)`, the image at 8 by 8 pixels.
    """

    digest: bytes
    size: tuple[int, int]
    brightness: float
    contrast: float
    bits: np.ndarray
    thumbnail: np.ndarray


def fingerprint(path: str) -> Fingerprint:
    """Read an image once, at a reduced scale where its format allows.

    The hash is the difference hash (Krawetz 2013, "Kind of like that") with 16 by 16 bits in place of 8 by 8, so that
    images of one kind, such as cells, still differ.

    Args:
        path: The image.

    Raises:
        ImageError: It cannot be read; the error does not name the path.

    Example:

    ```python
    from mtlzoo.images.fingerprints import fingerprint

    print(fingerprint("coat.jpg").size)
    ```
    """
    data, digest = ImageSource(path).read_with_digest()
    image, size = decode_with_size(data, (DECODED, DECODED))
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype("int16")
    bits = np.packbits(small[:, 1:] > small[:, :-1])
    thumbnail = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).reshape(-1)
    return Fingerprint(digest, size, float(image.mean()), float(image.std()), bits, thumbnail)


def look(path: str) -> np.ndarray | None:
    """An image at 32 by 32 pixels, float32 `(32, 32, 3)`; `None` where it cannot be read."""
    try:
        image = decode_with_size(ImageSource(path).read(), (DECODED, DECODED))[0]
    except ImageError:
        return None
    return cv2.resize(image, (SEEN, SEEN), interpolation=cv2.INTER_AREA).astype("float32")


def pixel_distance(one: np.ndarray, other: np.ndarray) -> float:
    """How far two looks are apart: the root of the mean squared difference, in parts of their contrast.

    0 is the same image, about 1.4 are two that have nothing to do with each other; copies that were compressed or scaled
    anew are below 0.1.
    """
    contrast = float(np.sqrt((one.var() + other.var()) / 2))
    return float(np.sqrt(np.mean((one - other) ** 2))) / max(contrast, 1e-3)
