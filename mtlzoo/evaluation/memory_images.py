"""Images in memory, as arrays or of Pillow, become the content of an image file, so that they go the way of all files."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np

from mtlzoo.errors import ImageError, InputError

CHANNELS = (1, 3, 4)


def array_file(array: np.ndarray, name: str) -> bytes:
    """The content of a file with the image of an array.

    Args:
        array: `(height, width)`, or `(height, width, channels)` with 1 (gray), 3 (RGB) or 4 (RGBA) channels; numbers from 0
            to 255, 16 bits without sign, or truth values.
        name: How messages call it.

    Raises:
        InputError: If shape or values are none of an image.
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in CHANNELS or not array.size:
        raise InputError(
            f"{name}: expected an image (height, width, channels) with 1, 3 or 4 channels last, received: {array.shape}."
        )
    return _portable(_on_white(_eight_bits(array, name)))


def as_pixels(batch: np.ndarray) -> np.ndarray:
    """Images of a model's size as it takes them: those of 16 bits and of truth values as files of them are read.

    Raises:
        InputError: If one holds something else than finite numbers.
    """
    if batch.dtype == np.uint8:
        return batch
    if batch.dtype in (bool, np.uint16):
        return np.stack([_eight_bits(image, f"image {row}") for row, image in enumerate(batch)])
    if not np.issubdtype(batch.dtype, np.number) or np.iscomplexobj(batch):
        raise InputError(f"Expected images of numbers from 0 to 255, received an array of {batch.dtype}.")
    finite = np.isfinite(batch).reshape(len(batch), -1).all(axis=1)
    if not finite.all():
        raise InputError(
            f"image {int(np.argmin(finite))}: expected numbers from 0 to 255, received some that are not finite."
        )
    return batch


def pillow_file(image: Any, name: str) -> bytes:
    """The content of a file with an image of Pillow's, as a viewer shows it: turned by its EXIF orientation, on white.

    Raises:
        ImageError: If its own file is damaged or closed.
    """
    from PIL import ImageOps

    try:
        image = ImageOps.exif_transpose(image)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            array = np.asarray(image)
            if image.mode.startswith("I;16") or (image.mode == "I" and 255 < array.max() <= 65535):
                array = array >> 8  # as files of 16 bits are read
            return array_file(array, name)
        transparent = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
        if image.mode in ("La", "RGBa"):
            image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
        array = np.asarray(image.convert("RGBA" if transparent else "RGB"))
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise ImageError(f"cannot be read by Pillow ({' '.join(str(error).split())[:200]})", name) from None
    return array_file(array, name)


def is_pillow(value: Any) -> bool:
    """Whether a value is an image of Pillow, which need not be loaded for that."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def _eight_bits(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16 and array.max() > 255:
        return (array >> 8).astype(np.uint8)  # as files of 16 bits are read
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise InputError(f"{name}: expected numbers from 0 to 255, received an array of {array.dtype}.")
    lowest, highest = array.min(), array.max()
    if not (lowest >= 0 and highest <= 255):
        raise InputError(f"{name}: expected numbers from 0 to 255, received numbers from {lowest:g} to {highest:g}.")
    return np.rint(array).astype(np.uint8)


def _on_white(image: np.ndarray) -> np.ndarray:
    """Three channels; what is transparent on white, by the rule of files."""
    if image.shape[-1] == 1:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2RGB)
    if image.shape[-1] == 3:
        return image
    alpha, colour = image[..., 3:].astype(np.uint16), image[..., :3]
    return ((colour * alpha + (255 * (255 - alpha) + 127)) // 255).astype(np.uint8)


def _portable(image: np.ndarray) -> bytes:
    """A file of the plainest format that there is (netpbm's PPM): nothing is compressed, no pixel changes."""
    height, width = image.shape[:2]
    return b"P6\n%d %d\n255\n" % (width, height) + image.tobytes()
