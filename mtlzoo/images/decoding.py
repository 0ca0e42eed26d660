"""Reading image files: what an image viewer shows is what comes out, as RGB.

The format is taken from the content, never from the file name. OpenCV decodes JPEG (here) and PNG (`png.py`), Pillow all
else (`pillow_images.py`). How many pixels there are is read from the header, and refused there, before anything is decoded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images import png
from mtlzoo.images.known_files import Facts
from mtlzoo.images.pixel_limit import check_size, max_pixels
from mtlzoo.images.pixels import decode_rgb, exif_orientation, orient
from mtlzoo.images.rare_images import decode_rare
from mtlzoo.images.source import ImageSource, content_digest

if "OPENCV_LOG_LEVEL" not in os.environ:
    # OpenCV logs each unreadable file on standard error without naming it; ImageError says it once, with the name.
    # In OpenCV 4 the function stands beside all others.
    (cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2).setLogLevel(0)

MAX_SCANS = 500  # of a progressive JPEG; usual are ten, and each may take as long as the whole image


def decode_image(source: str | Path | bytes, at_least: tuple[int, int] | None = None) -> np.ndarray:
    """Decodes an image as a viewer shows it.

    Turned as its EXIF orientation says, transparency composited on white, 16 bits scaled to 8, CMYK converted, the
    first frame of an animation. Colour profiles are not applied (Pillow does not either). Bits damaged inside JPEG
    data do not make it unreadable: as in a viewer, the rest of the image is what the decoder makes of it.

    Args:
        source: Path of the file, or the content of a file.
        at_least: (height, width) in pixels. The caller will shrink to this size, so the image may come at 1/2, 1/4
            or 1/8 of its size as long as both sides stay at least as long. For JPEG this skips most of the work.

    Returns:
        uint8 RGB image of shape (height, width, 3), 0 to 255.

    Raises:
        ImageError: The file is missing, no regular file (a directory, a pipe, a device), empty, truncated, damaged, not an
            image, or has more pixels than :func:`set_max_pixels` allows, by default 89,478,485.

    Example:

    ```python
    import cv2
    import mtlzoo as mtl
    import numpy as np

    content = cv2.imencode(".png", np.full((40, 60, 3), 200, np.uint8))[1].tobytes()
    assert mtl.data.decode_image(content).shape == (40, 60, 3)
    assert mtl.data.decode_image(content, at_least=(20, 20)).shape == (20, 30, 3)
    ```
    """
    return decode_with_size(source, at_least)[0]


class Decoded(NamedTuple):
    """An image, and what its file says.

    Attributes:
        image: uint8 RGB `(height, width, 3)`, perhaps reduced.
        size: The (height, width) that the viewer shows, which is larger if the image came reduced.
        largest: The largest of all samples, where these have 16 bits.
    """

    image: np.ndarray
    size: tuple[int, int]
    largest: int | None = None


def decode_with_size(
    source: str | Path | bytes, at_least: tuple[int, int] | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """`decode_image`, and the (height, width) that the viewer shows, which is larger if the image came reduced."""
    return decode_fully(source, at_least)[:2]


def decode_fully(source: str | Path | bytes, at_least: tuple[int, int] | None = None) -> Decoded:
    """`decode_image`, and all that its file says."""
    if isinstance(source, bytes):
        return _decode(source, at_least)
    path = os.fspath(source)
    try:
        return _decode(ImageSource(path).read(), at_least)
    except ImageError as error:
        raise type(error)(error.reason, path) from None


def examine(source: ImageSource) -> Facts:
    """What an image's bytes tell: their digest, its size and the largest of its samples, where these have 16 bits.

    The image is decoded to its end, for JPEG at 1/8 scale, unless that has been done and the file has not changed.

    Raises:
        ImageError: The image cannot be read; the error does not name the path.
    """
    known = source.known()
    if known is not None and known.size is not None and known.size[0] * known.size[1] <= max_pixels():
        return known
    version = source.version()
    data = source.read()
    _, size, largest = _decode(data, (1, 1))
    facts = Facts(content_digest(data), size, largest)
    source.remember(version, facts)
    return facts


def image_dimensions(source: ImageSource) -> tuple[int, int]:
    """The (height, width) of an image as a viewer shows it; its bytes are read unless it has been decoded before.

    Raises:
        ImageError: As for :func:`examine`.
    """
    size = examine(source).size
    assert size is not None  # of what has been decoded
    return size


def _decode(data: bytes, at_least: tuple[int, int] | None) -> Decoded:
    if not data:
        raise ImageError("empty file")
    if data.startswith(b"\xff\xd8\xff"):
        return _decode_jpeg(data, at_least)
    if data.startswith(png.SIGNATURE):
        image, largest = png.decode_png(data)
    elif (rare := decode_rare(data)) is not None:
        image, largest = rare, None
    else:
        from mtlzoo.images.pillow_images import decode_with_pillow  # most data sets have no need of Pillow

        image, largest = decode_with_pillow(data)
    height, width = image.shape[:2]
    factor = _reduction(height, width, at_least)
    if factor > 1:
        reduced = (-(-width // factor), -(-height // factor))
        image = cv2.resize(image, reduced, interpolation=cv2.INTER_AREA)
    return Decoded(image, (height, width), largest)


def _reduction(height: int, width: int, at_least: tuple[int, int] | None) -> int:
    if at_least is not None:
        for factor in (8, 4, 2):
            if -(-height // factor) >= at_least[0] and -(-width // factor) >= at_least[1]:
                return factor
    return 1


# === JPEG ===


def _decode_jpeg(data: bytes, at_least: tuple[int, int] | None) -> Decoded:
    height, width, orientation, scan = _jpeg_header(data)
    check_size(height, width)
    # Inside JPEG data 0xFF is always followed by a zero, so after the header this marker can only be the real end (the
    # header may hold that of an EXIF thumbnail). OpenCV misses it too, but not if zeros fill the file up.
    if data.rfind(b"\xff\xd9", scan) < 0:
        raise ImageError("truncated JPEG (its end is missing)")
    if data.count(b"\xff\xda", scan - 1) > MAX_SCANS:
        raise ImageError(f"JPEG of more than {MAX_SCANS} scans")
    if orientation >= 5:
        height, width = width, height
    factor = _reduction(height, width, at_least)
    try:
        image = decode_rgb(data, factor)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError("damaged JPEG")
    return Decoded(orient(image, orientation), (height, width))


def _jpeg_header(data: bytes) -> tuple[int, int, int, int]:
    """Returns height, width, EXIF orientation and where the image data starts."""
    height = width = 0
    orientation, position = 1, 2
    try:
        while True:
            # Decoders skip stray bytes before a marker, and any number of 0xFF may precede its code.
            position = data.index(b"\xff", position)
            while (marker := data[position]) == 0xFF:
                position += 1
            if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD7:
                continue
            length = data[position + 1] << 8 | data[position + 2]
            if marker == 0xDA:
                return height, width, orientation, position
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height = data[position + 4] << 8 | data[position + 5]
                width = data[position + 6] << 8 | data[position + 7]
            elif marker == 0xE1 and data.startswith(b"Exif\0", position + 3):
                orientation = exif_orientation(data[position + 9 : position + 1 + length])
            position += 1 + length
    except (IndexError, ValueError):
        raise ImageError("truncated JPEG (it ends inside its header)") from None
