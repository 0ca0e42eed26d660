"""What takes away from an image: blur, JPEG artefacts, an erased rectangle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

ERASED = ("noise", "mean")
# Of a rectangle that is erased: least and largest part of the area, least and largest ratio of its sides.
AREA, ASPECT = (0.02, 0.2), (0.3, 1 / 0.3)


def blur(image: np.ndarray, sigma: float, out: np.ndarray | None = None) -> np.ndarray:
    """Blur an image by a Gaussian.

    Args:
        image: uint8 image of shape (height, width, 3).
        sigma: The standard deviation in pixels.
        out: Where to write the result, which may be the image itself; by default a new array.
    """
    return cv2.GaussianBlur(image, (0, 0), sigma, dst=out, borderType=cv2.BORDER_REFLECT_101)


def add_jpeg_artefacts(image: np.ndarray, quality: int, out: np.ndarray | None = None) -> np.ndarray:
    """What becomes of an image in a JPEG file.

    Args:
        image: uint8 RGB image of shape (height, width, 3).
        quality: From 1 to 100.
        out: Where to write the result, which may be the image itself; by default a new array.
    """
    encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded: Any = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=out)


def erase(image: np.ndarray, drawn: Sequence[float], rng: np.random.Generator | None) -> None:
    """Erase a rectangle (random erasing, Zhong et al. 2020, with a smaller largest area than their 0.4).

    Args:
        image: uint8 image of shape (height, width, 3), which is changed.
        drawn: Numbers from 0 to 1 for the area, the ratio of the sides, and where it lies along x and y.
        rng: Where noise comes from; `None` for the image's mean.
    """
    area, aspect, x, y = drawn
    height, width = image.shape[:2]
    area = AREA[0] + area * (AREA[1] - AREA[0])
    ratio = math.exp(math.log(ASPECT[0]) + aspect * math.log(ASPECT[1] / ASPECT[0]))
    # In parts of the sides; a rectangle that would be longer than one is as long as that.
    part_x = min(math.sqrt(area * ratio), 1.0)
    part_y = min(area / part_x, 1.0)
    wide, high = max(round(width * part_x), 1), max(round(height * part_y), 1)
    left, top = int(x * (width - wide + 1)), int(y * (height - high + 1))
    inside = image[top : top + high, left : left + wide]
    if rng is None:
        inside[...] = np.rint(cv2.mean(image)[:3])
    else:
        inside[...] = rng.integers(0, 256, inside.shape, np.uint8)
