"""Colors: brightness, contrast, hue and saturation by one matrix, gamma by a table."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

# From RGB to luma and two differences of colors, by ITU-R BT.601, the numbers that JPEG files have too.
LUMA = np.array([0.299, 0.587, 0.114])
TO_YCC = np.array([LUMA, [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
FROM_YCC = np.linalg.inv(TO_YCC)
# The parts of a turn: what stays, what goes with the cosine, and what with the sine.
GRAY, COSINE, SINE = (
    FROM_YCC @ np.array(part, float) @ TO_YCC
    for part in (
        [[1, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
    )
)
LEVELS = np.arange(256) / 255


class Colors(NamedTuple):
    """How colors change; as it stands, not at all.

    Attributes:
        gain: What values are multiplied by.
        contrast: What distances from the image's mean are multiplied by.
        hue: The turn of the colors about gray, in degrees.
        saturation: What distances from gray are multiplied by.
    """

    gain: float = 1.0
    contrast: float = 1.0
    hue: float = 0.0
    saturation: float = 1.0


def change_colors(image: np.ndarray, colors: Colors, out: np.ndarray | None = None) -> np.ndarray:
    """Change the colors of an image, saturating at 0 and 255.

    Args:
        image: uint8 RGB image of shape (height, width, 3).
        colors: How.
        out: Where to write the result, which may be the image itself; by default a new array.

    Returns:
        uint8 image of the same shape.
    """
    gain, contrast, hue, saturation = colors
    # The mean matters only where the contrast changes, and is not free.
    mean = sum(cv2.mean(image)[:3]) / 3 if contrast != 1 else 0.0
    factor, offset = gain * contrast, gain * mean * (1 - contrast)
    if hue or saturation != 1:
        matrix = np.full((3, 4), offset)
        matrix[:, :3] = factor * color_matrix(hue, saturation)
        return cv2.transform(image, matrix, dst=out)
    if offset >= 0:  # The same numbers in two thirds of the time, were it not for the absolute value that it takes.
        return cv2.convertScaleAbs(image, dst=out, alpha=factor, beta=offset)
    return cv2.addWeighted(image, factor, image, 0, offset, dst=out)


def color_matrix(hue: float, saturation: float) -> np.ndarray:
    """The matrix (3, 3) that turns RGB colors about gray by so many degrees, and takes them so many times as far from it.

    Luma stays as it is (Haeberli, "Matrix operations for image processing", 1993).
    """
    turn = math.radians(hue)
    return np.asarray(GRAY + saturation * math.cos(turn) * COSINE + saturation * math.sin(turn) * SINE)


def change_gamma(image: np.ndarray, gamma: float, out: np.ndarray | None = None) -> np.ndarray:
    """Raise the values of an image, from 0 to 1, to a power.

    Args:
        image: uint8 image of shape (height, width, 3).
        gamma: The power, above 0.
        out: Where to write the result, which may be the image itself; by default a new array.

    Returns:
        uint8 image of the same shape.
    """
    return cv2.LUT(image, (255 * LEVELS**gamma + 0.5).astype(np.uint8), dst=out)
