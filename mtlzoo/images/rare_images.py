"""Formats of floating-point samples, which Pillow reads in gray at most: portable float maps and Radiance."""

from __future__ import annotations

import contextlib
import re

import cv2
import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images.pixel_limit import check_size
from mtlzoo.images.pixels import decode_rgb

HEADER = 4096  # bytes in which a header ends
PFM = re.compile(rb"P([Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,20})\s")
RADIANCE = re.compile(rb"#\?R.*?\n\n-Y (?P<height>\d{1,9}) \+X (?P<width>\d{1,9})\n", re.DOTALL)


def decode_rare(data: bytes) -> np.ndarray | None:
    """Returns the uint8 RGB image, or `None` if the format is none of these.

    Raises:
        ImageError: It is truncated or damaged, or has too many pixels.
    """
    if data.startswith((b"PF", b"Pf")):
        return _decode_pfm(data)
    return _decode_radiance(data) if data.startswith(b"#?") else None


def _decode_radiance(data: bytes) -> np.ndarray:
    header, image = RADIANCE.match(data[:HEADER]), None
    if header is not None:
        check_size(int(header["height"]), int(header["width"]))
        with contextlib.suppress(cv2.error):
            image = decode_rgb(data)
    if image is None:
        raise ImageError("truncated or damaged Radiance HDR")
    return image


def _decode_pfm(data: bytes) -> np.ndarray:
    """A portable float map, gray or colour, of either byte order, whose rows go from bottom to top.

    Where no sample is above 1, 1 is white, as the format has it; otherwise 255 is, as Pillow writes and shows it.
    """
    header = PFM.match(data[:HEADER])
    if header is None:
        raise ImageError("truncated or damaged PFM")
    width, height = int(header[2]), int(header[3])
    check_size(height, width)
    channels = 3 if header[1] == b"F" else 1
    count = width * height * channels
    if not count or len(data) < header.end() + 4 * count:
        raise ImageError("truncated or damaged PFM")
    order = "<" if header[4].startswith(b"-") else ">"
    samples = np.frombuffer(data, f"{order}f4", count, header.end()).reshape(height, width, channels)[::-1]
    samples = np.clip(np.nan_to_num(samples.astype(np.float32), nan=0), 0, 255)
    if samples.max() <= 1:
        samples *= 255
    shades = samples.astype(np.uint8)
    return np.repeat(shades, 3, axis=2) if channels == 1 else shades
