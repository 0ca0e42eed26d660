"""Anti-aliased polygons, discs and lines on an image, at places between pixels.

Coordinates run from edge to edge: an image of 224 x 224 pixels reaches from (0, 0) to (224, 224), and the centre of its
upper left pixel lies at (0.5, 0.5).
"""

from __future__ import annotations

import cv2
import numpy as np

Color = tuple[int, int, int]

# Bits behind the point in the coordinates that OpenCV takes.
FRACTION = 8
# By how much OpenCV's anti-aliasing makes a filled disc too large, in pixels; measured by the area of discs that it drew.
DISC_EXCESS = 0.55


def paint_polygon(image: np.ndarray, corners: np.ndarray, color: Color) -> None:
    """Fills a convex polygon.

    Each pixel is covered as far as it lies within the polygon's edges, by its distance from each of them, so that edges
    come out where they are to the hundredth of a pixel. OpenCV's own polygons are 0.7 pixels too large on every side.

    Args:
        image: uint8 of shape (height, width, 3); painted on.
        corners: (x, y) of each corner, of shape (corners, 2), clockwise in the image, where y grows downwards.
        color: three numbers from 0 to 255.
    """
    height, width = image.shape[:2]
    left, upper = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, lower = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    if left >= right or upper >= lower:
        return
    sides = np.roll(corners, -1, axis=0) - corners
    normals = np.column_stack([-sides[:, 1], sides[:, 0]]) / np.linalg.norm(sides, axis=1, keepdims=True)
    offsets = 0.5 - (normals * corners).sum(axis=1)
    x = np.arange(left, right, dtype=np.float32) + np.float32(0.5)
    y = (np.arange(upper, lower, dtype=np.float32) + np.float32(0.5))[:, None]
    coverage = np.ones((lower - upper, right - left), np.float32)
    for (across, down), offset in zip(normals.astype(np.float32), offsets.astype(np.float32)):
        # Along an upright edge all rows are alike, along a level one all columns: there is less to compute then.
        inside = (
            across * x + offset if down == 0 else down * y + offset if across == 0 else across * x + (down * y + offset)
        )
        coverage *= np.clip(inside, 0, 1, out=inside)
    part = image[upper:lower, left:right]
    paint = np.empty_like(part)
    cv2.rectangle(paint, (0, 0), (right - left, lower - upper), color, -1)
    cv2.blendLinear(paint, part, coverage, 1 - coverage, part)


def paint_disc(image: np.ndarray, x: float, y: float, radius: float, color: Color) -> None:
    """Fills a circle of at least one pixel's radius."""
    reach = _fixed(max(radius - DISC_EXCESS, 0.5))
    cv2.circle(image, (_fixed(x - 0.5), _fixed(y - 0.5)), reach, color, -1, cv2.LINE_AA, FRACTION)


def paint_line(image: np.ndarray, start: tuple[float, float], end: tuple[float, float], color: Color) -> None:
    """Draws a line segment, about a pixel wide."""
    first, last = ((_fixed(x - 0.5), _fixed(y - 0.5)) for x, y in (start, end))
    cv2.line(image, first, last, color, 1, cv2.LINE_AA, FRACTION)


def _fixed(number: float) -> int:
    """As a fixed-point number, which is what OpenCV calls a coordinate with a shift."""
    return round(number * 2**FRACTION)
