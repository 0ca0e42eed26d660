"""From decoded samples to what a viewer shows: 8 bits, RGB, on white, the right way up."""

from __future__ import annotations

import struct

import cv2
import numpy as np

PIXELS_AT_A_TIME = 2**20  # of transparency: what it is computed in takes several times an image's memory

ORIENTATION_TAG = 0x0112

RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)  # since OpenCV 4.11
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def decode_rgb(data: bytes, factor: int = 1) -> np.ndarray | None:
    """What OpenCV decodes of a file, as 8-bit RGB, not turned as EXIF says; `None` where it cannot.

    Args:
        data: The file's content.
        factor: 1, or, for JPEG, 2, 4 or 8, for an image at that part of its size.
    """
    content = np.frombuffer(data, np.uint8)
    if factor == 1 and RGB is not None:  # OpenCV refuses to combine reduced decoding with RGB
        return cv2.imdecode(content, RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    image = cv2.imdecode(content, REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Turns what OpenCV decoded unchanged (gray, BGR or BGRA, 8 or 16 bits) into 8-bit RGB on white."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return composite(image[..., [2, 1, 0, 3]])


def composite(image: np.ndarray) -> np.ndarray:
    """Puts an 8-bit RGBA image on white."""
    height, width = image.shape[:2]
    result = np.empty((height, width, 3), np.uint8)
    rows = max(1, PIXELS_AT_A_TIME // max(1, width))
    for first in range(0, height, rows):
        band = image[first : first + rows]
        alpha = band[..., 3:].astype(np.uint16)
        result[first : first + rows] = (band[..., :3] * alpha + (255 * (255 - alpha) + 127)) // 255
    return result


def orient(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns and mirrors an image as EXIF says (Exif 3.0, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    if orientation in (2, 3, 6, 7):
        image = cv2.flip(image, 1)
    if orientation in (3, 4, 7, 8):
        image = cv2.flip(image, 0)
    return image


def exif_orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, which is a TIFF file: 1 to 8, 1 where there is none that can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == ORIENTATION_TAG and kind in (3, 4):
                (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), exif, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # A cut directory.
    return 1
