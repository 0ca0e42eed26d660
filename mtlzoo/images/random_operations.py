"""The operations of RandAugment and TrivialAugment; those that move pixels go into the one matrix.

The ranges are those of RandAugment (Cubuk et al. 2020), as torchvision has them.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from mtlzoo.images.colors import Colors, change_colors
from mtlzoo.images.warping import Linear, Shift

OPERATIONS = (
    *("identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate"),
    *("brightness", "color", "contrast", "sharpness", "posterize", "solarize", "autocontrast", "equalize"),
)
SHEAR, TRANSLATION, ROTATION, CHANGE = 0.3, 0.45, 30.0, 0.9
LEVELS = np.arange(256)
# What Pillow and torchvision smooth by.
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13


def moves(name: str, strength: float) -> tuple[Linear, Shift] | None:
    """What an operation does to places, from the image's centre.

    Args:
        name: One of `OPERATIONS`.
        strength: From -1 to 1.

    Returns:
        The matrix that places are multiplied by, and the shift in parts of the sides; `None` for an operation that moves
        nothing.
    """
    if name == "shear_x":
        return (1.0, SHEAR * strength, 0.0, 1.0), (0.0, 0.0)
    if name == "shear_y":
        return (1.0, 0.0, SHEAR * strength, 1.0), (0.0, 0.0)
    if name == "translate_x":
        return (1.0, 0.0, 0.0, 1.0), (TRANSLATION * strength, 0.0)
    if name == "translate_y":
        return (1.0, 0.0, 0.0, 1.0), (0.0, TRANSLATION * strength)
    if name == "rotate":
        angle = math.radians(ROTATION * strength)
        return (math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)), (0.0, 0.0)
    return None


def change_values(image: np.ndarray, name: str, strength: float, out: np.ndarray | None = None) -> np.ndarray:
    """What an operation does to the values of an image.

    Args:
        image: uint8 RGB image of shape (height, width, 3).
        name: One of `OPERATIONS`; those that move pixels change no values.
        strength: From -1 to 1; where there is one direction only, its sign does not matter.
        out: Where to write the result, which may be the image itself; by default a new array.

    Returns:
        uint8 image of the same shape; the image itself if nothing was done.
    """
    factor, amount = 1 + CHANGE * strength, abs(strength)
    if name == "brightness":
        return change_colors(image, Colors(gain=factor), out)
    if name == "color":
        return change_colors(image, Colors(saturation=factor), out)
    if name == "contrast":
        return change_colors(image, Colors(contrast=factor), out)
    if name == "sharpness":
        smooth = cv2.filter2D(image, -1, SMOOTH)
        return cv2.addWeighted(image, factor, smooth, 1 - factor, 0, dst=out)
    if name == "posterize":
        bits = 8 - round(4 * amount)
        return np.bitwise_and(image, np.uint8(256 - 2 ** (8 - bits)), out=out)
    if name == "solarize":
        threshold = 256 - 256 * amount
        return cv2.LUT(image, np.where(threshold <= LEVELS, 255 - LEVELS, LEVELS).astype(np.uint8), dst=out)
    if name == "autocontrast":
        return cv2.LUT(image, np.dstack([_stretched(channel) for channel in cv2.split(image)]), dst=out)
    if name == "equalize":
        return cv2.merge([cv2.equalizeHist(channel) for channel in cv2.split(image)], dst=out)
    return image


def _stretched(channel: np.ndarray) -> np.ndarray:
    """The table by which a channel goes from 0 to 255."""
    low, high, *_ = cv2.minMaxLoc(channel)
    if low == high:
        return LEVELS.astype(np.uint8)[None]
    return np.clip(np.rint((LEVELS - low) * 255 / (high - low)), 0, 255).astype(np.uint8)[None]
