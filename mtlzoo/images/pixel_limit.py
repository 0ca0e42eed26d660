"""How many pixels an image may have: a file of some kilobytes can claim enough to fill any memory."""

from __future__ import annotations

import os

from mtlzoo.errors import InputError, PixelLimitError

VARIABLE = "MTLZOO_MAX_PIXELS"
DEFAULT = 89_478_485
"""Pillow's own `Image.MAX_IMAGE_PIXELS`: 256 MiB of RGB."""


def max_pixels() -> int:
    """How many pixels an image may have.

    Raises:
        InputError: The environment variable `MTLZOO_MAX_PIXELS` is no positive whole number.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return DEFAULT
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 20 and int(text)):
        raise InputError(f"Expected {VARIABLE} to be a positive whole number, received: {text[:40]!r}.")
    return int(text)


def set_max_pixels(pixels: int | None) -> None:
    """Set how many pixels an image may have; one with more is refused before anything of it is decoded.

    The setting holds for all threads, and, since it is kept in the environment variable `MTLZOO_MAX_PIXELS`, for
    processes that are started from now on.

    Args:
        pixels: Width times height; `None` for the default, 89,478,485, which is Pillow's.

    Raises:
        InputError: It is no positive whole number.

    Example:

    ```python
    mtl.data.set_max_pixels(400_000_000)  # large scans, from a source that is trusted
    mtl.data.set_max_pixels(None)
    ```
    """
    if pixels is None:
        os.environ.pop(VARIABLE, None)
        return
    if isinstance(pixels, bool) or not isinstance(pixels, int) or not 0 < pixels < 10**19:
        raise InputError(f"Expected a positive whole number of pixels or None, received: {str(pixels)[:40]}.")
    os.environ[VARIABLE] = str(pixels)


def check_size(height: int, width: int) -> None:
    """Refuse an image by what its header says of its size.

    Raises:
        PixelLimitError: It has more pixels than it may.
    """
    if height * width > max_pixels():
        raise too_many_pixels(f"has {width} x {height} pixels,")


def too_many_pixels(what: str = "has") -> PixelLimitError:
    """The error of an image with more pixels than it may have."""
    return PixelLimitError(
        f"{what} more than the {max_pixels():,} pixels that an image may have; if it is what it says, raise the limit: "
        f"mtl.data.set_max_pixels, --max-pixels or {VARIABLE}"
    )
