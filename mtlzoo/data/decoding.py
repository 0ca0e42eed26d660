"""Reading image files: what an image viewer shows is what comes out, as RGB.

The format is taken from the content, never from the file name. OpenCV decodes; what it does not do as a viewer does
(transparency, orientation of a picture with transparency, clear errors, silence) is done here. Pillow is asked for the
kinds that OpenCV gets wrong: TIFF with transparency, AVIF (orientation ignored), JPEG 2000 (gray with alpha refused).
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np

from mtlzoo.data.records import find_record
from mtlzoo.errors import ImageError

if "OPENCV_LOG_LEVEL" not in os.environ:
    # OpenCV logs each unreadable file on standard error without naming it; ImageError says it once, with the name.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""The bit depths that the PNG specification allows for each colour type."""

PHOTOMETRIC_TAG, ORIENTATION_TAG, SAMPLES_TAG, EXTRA_SAMPLES_TAG = 262, 274, 277, 338

JPEG_FLAGS = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def decode_image(source: str | Path | bytes, at_least: tuple[int, int] | None = None) -> np.ndarray:
    """Decodes an image as a viewer shows it.

    Turned as its EXIF orientation says, transparency composited on white, 16 bits scaled to 8, CMYK converted, the
    first frame of an animation. Colour profiles are not applied (Pillow does not either). Bits damaged inside JPEG
    data do not make it unreadable: as in a viewer, the rest of the picture is what the decoder makes of it.

    Args:
        source: Path of the file, or the content of a file.
        at_least: (height, width) in pixels. The caller will shrink to this size, so the image may come at 1/2, 1/4
            or 1/8 of its size as long as both sides stay at least as long. For JPEG this skips most of the work.

    Returns:
        uint8 RGB image of shape (height, width, 3), 0 to 255.

    Raises:
        ImageError: The file is missing, a directory, empty, truncated, damaged, or not an image.

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


def decode_with_size(
    source: str | Path | bytes, at_least: tuple[int, int] | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """`decode_image`, and the (height, width) that the viewer shows, which is larger if the image came reduced."""
    if isinstance(source, bytes):
        return _decode(source, at_least)
    path = os.fspath(source)
    try:
        return _decode(read_file(path), at_least)
    except ImageError as error:
        raise ImageError(error.reason, path) from None


def read_file(path: str | Path) -> bytes:
    """The content of a file, or of a record in a larger one, see `mtlzoo.data.records`.

    Raises:
        ImageError: It cannot be read; the error does not name the path.
    """
    try:
        record = find_record(os.fspath(path))
        if record is None:
            with open(path, "rb", buffering=0) as file:
                return file.read()
        data = record.read()
    except FileNotFoundError:
        raise ImageError("file not found") from None
    except IsADirectoryError:
        raise ImageError("is a directory, not an image file") from None
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise ImageError("not a valid path (it contains a null byte)") from None
    if data is None:
        raise ImageError("damaged record (its checksum is wrong)")
    return data


def _decode(data: bytes, at_least: tuple[int, int] | None) -> tuple[np.ndarray, tuple[int, int]]:
    if not data:
        raise ImageError("empty file")
    if data.startswith(b"\xff\xd8\xff"):
        return _decode_jpeg(data, at_least)
    image = _decode_other(data)
    height, width = image.shape[:2]
    factor = _reduction(height, width, at_least)
    if factor > 1:
        reduced = (-(-width // factor), -(-height // factor))
        image = cv2.resize(image, reduced, interpolation=cv2.INTER_AREA)
    return image, (height, width)


def _reduction(height: int, width: int, at_least: tuple[int, int] | None) -> int:
    if at_least is not None:
        for factor in (8, 4, 2):
            if -(-height // factor) >= at_least[0] and -(-width // factor) >= at_least[1]:
                return factor
    return 1


# === JPEG ===


def _decode_jpeg(data: bytes, at_least: tuple[int, int] | None) -> tuple[np.ndarray, tuple[int, int]]:
    height, width, orientation, scan = _jpeg_header(data)
    # Inside JPEG data 0xFF is always followed by a zero, so after the header this marker can only be the real end (the
    # header may hold that of an EXIF thumbnail). OpenCV misses it too, but not if zeros fill the file up.
    if data.rfind(b"\xff\xd9", scan) < 0:
        raise ImageError("truncated JPEG (its end is missing)")
    if orientation >= 5:
        height, width = width, height
    factor = _reduction(height, width, at_least)
    image = _imdecode(data, JPEG_FLAGS[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ImageError("damaged JPEG")
    if factor > 1:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # OpenCV refuses to combine reduced decoding with RGB.
    return _orient(image, orientation), (height, width)


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
                orientation = _orientation(data[position + 9 : position + 1 + length])
            position += 1 + length
    except (IndexError, ValueError):
        raise ImageError("truncated JPEG (it ends inside its header)") from None


# === Other formats ===


def _decode_other(data: bytes) -> np.ndarray:
    if data.startswith(PNG_SIGNATURE):
        return _decode_png(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        if _tiff_has_alpha(data):
            return _decode_with_pillow(data, "TIFF")
        rare = "TIFF (or one of a rare kind, such as floating-point samples)"
        return _require(_imdecode(data, cv2.IMREAD_COLOR_RGB), rare)
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return _decode_with_pillow(data, "AVIF")
    if data[4:8] == b"jP  ":
        return _decode_with_pillow(data, "JPEG 2000")
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _decode_with_alpha(data, "WebP")
    if data.startswith(b"GIF8"):
        return _decode_with_alpha(data, "GIF")
    if data.startswith(b"BM"):
        return _decode_with_alpha(data, "BMP")
    image = _imdecode(data, cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ImageError(f"not an image of a known format (it starts with {data[:8]!r})")
    return image


def _imdecode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _require(image: np.ndarray | None, kind: str) -> np.ndarray:
    if image is None:
        raise ImageError(f"truncated or damaged {kind}")
    return image


def _decode_with_alpha(data: bytes, kind: str) -> np.ndarray:
    try:
        image, types, metadata = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    image = _composite(_require(image, kind))
    exif = [blob.tobytes() for type_, blob in zip(types, metadata, strict=True) if type_ == cv2.IMAGE_METADATA_EXIF]
    return _orient(image, _orientation(exif[0].removeprefix(b"Exif\0\0"))) if exif else image


def _decode_with_pillow(data: bytes, kind: str) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I;16"):
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            return _composite(np.asarray(image.convert("RGBA"))[..., [2, 1, 0, 3]])
    except Exception:  # Pillow's decoders raise whatever they stumble over.
        raise ImageError(f"truncated or damaged {kind}") from None


def _decode_png(data: bytes) -> np.ndarray:
    header, transparency, exif, data = _clean_png(data)
    depth, colour = header
    if colour not in (4, 6) and transparency is None:
        image = _require(_imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION), "PNG")
    else:
        image = _require(_imdecode(data, cv2.IMREAD_UNCHANGED), "PNG")
        if colour == 0:
            # OpenCV ignores the transparent shade of a gray PNG.
            shade = int.from_bytes(transparency[:2])
            shade = shade if depth >= 8 else shade * 255 // (2**depth - 1)
            alpha = np.where(image == shade, 0, np.iinfo(image.dtype).max).astype(image.dtype)
            image = cv2.merge([image, image, image, alpha])
        image = _composite(image)
    return _orient(image, _orientation(exif))


def _clean_png(data: bytes) -> tuple[tuple[int, int], bytes | None, bytes, bytes]:
    """Checks the chunks of a PNG and keeps those that make the picture.

    libpng writes to standard error about odd profiles and texts (common, harmless) and about broken chunks (which are
    refused here), past any setting of OpenCV.

    Returns:
        (bit depth, colour type), transparency or `None`, EXIF block, the cleaned file.
    """
    kept, transparency, exif, depth, colour, position = [PNG_SIGNATURE], None, b"", 0, -1, 8
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position) if position + 12 <= len(data) else (0, b"")
        start, position = position, position + 12 + length
        if not kind or position > len(data):
            raise ImageError("truncated PNG")
        if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"):
            continue
        body = data[start + 8 : position - 4]
        if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(data[position - 4 : position]):
            raise ImageError(f"damaged PNG (wrong checksum in its {kind.decode()} part)")
        if (kind == b"IHDR") != (start == 8) or (kind == b"IHDR" and length != 13):
            raise ImageError("damaged PNG (wrong header)")
        if kind == b"IHDR":
            width, height, depth, colour, *method = struct.unpack(">IIBBBBB", body)
            sides = 0 < width <= 1_000_000 and 0 < height <= 1_000_000
            if not sides or depth not in PNG_DEPTHS.get(colour, ()) or method not in ([0, 0, 0], [0, 0, 1]):
                raise ImageError("damaged PNG (wrong header)")
        elif kind == b"tRNS":
            if colour in (4, 6):
                continue
            transparency = body
        elif kind == b"eXIf":
            exif = body
            continue
        elif kind == b"PLTE" and colour != 3:
            continue
        kept.append(data[start:position])
    return (depth, colour), transparency, exif, b"".join(kept)


# === Transparency and orientation ===


def _composite(image: np.ndarray) -> np.ndarray:
    """Turns what OpenCV decoded unchanged (gray, BGR or BGRA, 8 or 16 bits) into 8-bit RGB on white."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    alpha = image[..., 3:].astype(np.uint16)
    colour = image[..., 2::-1]
    return ((colour * alpha + (255 * (255 - alpha) + 127)) // 255).astype(np.uint8)


def _orient(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns and mirrors an image as EXIF says (Exif 3.0, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    if orientation in (2, 3, 6, 7):
        image = cv2.flip(image, 1)
    if orientation in (3, 4, 7, 8):
        image = cv2.flip(image, 0)
    return image


def _orientation(exif: bytes) -> int:
    orientation = _tiff_tags(exif).get(ORIENTATION_TAG, 1)
    return orientation if 1 <= orientation <= 8 else 1


def _tiff_has_alpha(data: bytes) -> bool:
    tags = _tiff_tags(data)
    if EXTRA_SAMPLES_TAG in tags:
        return tags[EXTRA_SAMPLES_TAG] in (1, 2)
    return tags.get(PHOTOMETRIC_TAG) == 2 and tags.get(SAMPLES_TAG) == 4  # Some writers leave the tag out.


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Reads the numbers in the first directory of a TIFF file; an EXIF block is one. Only the first value of each."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return {}
    tags = {}
    try:
        (directory,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", data, entry)
            if kind in (3, 4):
                (tags[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)
    except struct.error:
        pass  # A cut directory: what was read so far is what there is.
    return tags
