"""Everything but JPEG and PNG is decoded by Pillow, the reference viewer.

Its decoders are as fast as OpenCV's where it matters (WebP 1.7 ms against 1.5 ms, GIF 1.2 against 3.7, AVIF 1.5 against
2.1, LZW in TIFF 2.5 against 2.5, JPEG 2000 26 against 23, for 512 x 512 pixels on one core) and know the odd kinds.
"""

from __future__ import annotations

import io
import logging
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mtlzoo.errors import ImageError
from mtlzoo.images.pixel_limit import check_size, max_pixels, too_many_pixels
from mtlzoo.images.pixels import composite

# Those that are told by their first bytes, and that no other program has to run for.
FORMATS = (
    *("AVIF", "BMP", "DDS", "GIF", "ICNS", "ICO", "JPEG2000", "PCX", "PPM", "PSD", "QOI", "SGI", "SUN", "TIFF", "WEBP"),
    *("XBM", "XPM"),
)
BITS_PER_SAMPLE = 258
TGA_END = b"TRUEVISION-XFILE.\0"  # all that tells a TGA file from any other bytes

NAMES = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"8BPS": "PSD",
    b"DDS ": "DDS",
    b"qoif": "QOI",
    b"icns": "ICNS",
    b"\0\0\1\0": "ICO",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
}


def decode_with_pillow(data: bytes) -> tuple[np.ndarray, int | None]:
    """Returns the uint8 RGB image, and the largest of its samples where these have 16 bits.

    Raises:
        ImageError: It is not an image of a known format, is truncated or damaged, or has too many pixels.
    """
    kind = format_name(data)
    if kind == "WebP":
        check_size(*_webp_size(data))  # Pillow makes room for the whole animation's canvas when it opens one.
    formats = (*FORMATS, "TGA") if data.endswith(TGA_END) else FORMATS
    try:
        with _silence(), Image.open(io.BytesIO(data), formats=formats) as file:
            check_size(file.height, file.width)
            file.load()
            check_size(file.height, file.width)  # Icons hold images of their own.
            image, largest = _to_rgb(ImageOps.exif_transpose(file), file.format)
            tags = getattr(file, "tag_v2", {})  # of a TIFF
            if file.format == "TIFF" and largest is None and 16 in (tags.get(BITS_PER_SAMPLE) or ()):
                largest = int(image.max(initial=0)) << 8 | 0xFF  # Pillow has kept the upper half of each sample.
            return image, largest
    except ImageError:
        raise
    except UnidentifiedImageError:
        if kind is None:
            raise ImageError(f"not an image of a known format (it starts with {data[:8]!r})") from None
        raise ImageError(f"truncated or damaged {kind}, or one of a kind that is not read") from None
    except Image.DecompressionBombError:
        raise too_many_pixels() from None
    except Exception:  # Pillow's decoders raise whatever they stumble over.
        raise ImageError(f"truncated or damaged {kind or 'image'}, or one of a kind that is not read") from None


def format_name(data: bytes) -> str | None:
    """The format that the first bytes say, where they do."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "AVIF"
    return next((name for start, name in NAMES.items() if data.startswith(start)), None)


def _to_rgb(image: Image.Image, kind: str | None) -> tuple[np.ndarray, int | None]:
    if image.mode.startswith("I;16") or (image.mode == "I" and kind == "PPM"):
        samples = np.asarray(image)
        shades = (samples >> 8).astype(np.uint8)
        return np.repeat(shades[..., None], 3, axis=2), int(samples.max(initial=0))
    if image.mode in ("I", "F"):
        raise ImageError("has samples of 32 bits, for which there is no agreed white; convert it to 8 or 16 bits")
    if "A" in image.mode.upper().replace("LAB", "") or "transparency" in image.info:
        return composite(np.asarray(image.convert("RGBA"))), None
    try:
        return np.array(image.convert("RGB")), None
    except ValueError:
        raise ImageError(f"has colours of the kind {image.mode}, which is not read; convert it to RGB") from None


def _webp_size(data: bytes) -> tuple[int, int]:
    """Height and width of a WebP file (RFC 9649, section 2)."""
    kind, body = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return int.from_bytes(body[7:10], "little") + 1, int.from_bytes(body[4:7], "little") + 1
    if kind == b"VP8L":
        sizes = int.from_bytes(body[1:5], "little")
        return (sizes >> 14 & 0x3FFF) + 1, (sizes & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return height & 0x3FFF, width & 0x3FFF


# === Silence ===

logging.getLogger("PIL").addHandler(logging.NullHandler())  # or Python prints what nobody listens to

_lock = threading.Lock()
_decoding = 0
_filters: warnings.catch_warnings | None = None


@contextmanager
def _silence() -> Iterator[None]:
    """Pillow warns about odd metadata without naming the file; and it has a limit of its own, below which ours may not be.

    Python keeps warning filters for the whole process, so that only the last of several threads may put them back.
    """
    global _decoding, _filters
    with _lock:
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels() > Image.MAX_IMAGE_PIXELS:
            Image.MAX_IMAGE_PIXELS = max_pixels()
        if not _decoding:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\b")
        _decoding += 1
    try:
        yield
    finally:
        with _lock:
            _decoding -= 1
            if not _decoding and _filters is not None:
                _filters.__exit__(None, None, None)
                _filters = None
