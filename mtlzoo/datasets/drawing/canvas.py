"""A surface to draw on: outlines in figure coordinates, filled with colour or fabric, under one light."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from mtlzoo.datasets.drawing.fabric import Fabric

__all__ = ["Camera", "Canvas", "mirrored", "smooth", "tube", "unit_normals"]

_SUBPIXELS = 4  # OpenCV takes fixed-point coordinates with so many fractional bits.
_LIGHT_SCALE = 4  # The light varies slowly: a quarter of the canvas' resolution is enough.


def smooth(points: ArrayLike, closed: bool = False, samples: int = 4) -> np.ndarray:
    """Samples the Catmull-Rom spline through `points`, shape `(n, 2)`: cubic Bezier arcs with continuous tangents."""
    knots = np.asarray(points, float)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    segments = np.stack([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]], axis=1)
    curve = (_catmull_rom(samples) @ segments).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


@functools.cache
def _catmull_rom(samples: int) -> np.ndarray:
    t = np.linspace(0, 1, samples, endpoint=False)[:, None]
    return 0.5 * np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])


def mirrored(points: ArrayLike) -> np.ndarray:
    """The other side of the body: `x` becomes `-x`, and the order is reversed so that outlines go on."""
    return np.asarray(points, float)[::-1] * (-1, 1)


def tube(centre: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Outline of a limb: `centre`, shape `(n, 2)`, widened to both sides by `radius`, shape `(n,)`."""
    offset = unit_normals(centre) * np.asarray(radius)[:, None]
    return np.concatenate([centre + offset, (centre - offset)[::-1]])


def unit_normals(line: np.ndarray) -> np.ndarray:
    """Vectors of length 1 at right angles to a line, both of shape `(n, 2)`; to the left of one that goes down."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    return along[:, ::-1] * (-1, 1) / np.hypot(along[:, :1], along[:, 1:])


class Camera:
    """Maps figure coordinates (head units, x = 0 in the middle of the body) to pixels.

    Args:
        size: `(height, width)` in pixels.
        top, bottom: heights of the body, in head units, at the upper and lower edge of the image.
        shift: where the middle of the body lies, in head units from the middle of the image.
        lean: the body's lean in radians.
        sway: how far the hips are shifted to one side, in head units.
        build: width of the body relative to its height.
        flip: whether left and right are exchanged.
    """

    def __init__(
        self,
        size: tuple[int, int],
        top: float,
        bottom: float,
        shift: float = 0.0,
        lean: float = 0.0,
        sway: float = 0.0,
        build: float = 1.0,
        flip: bool = False,
    ):
        self.size = size
        self.sway = sway
        self.unit = size[0] / (bottom - top)
        middle = (top + bottom) / 2
        rotation = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
        self._matrix = self.unit * rotation @ np.diag([-build if flip else build, 1.0])
        self._offset = np.array([size[1] / 2 + shift * self.unit, size[0] / 2]) - self._matrix @ (0.0, middle)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Pixels of `points`, both of shape `(n, 2)`."""
        points = np.array(points, float)
        # Shoulders lean against the hips and the feet stay where they are: contrapposto.
        points[:, 0] += self.sway / 16 * points[:, 1] * (8 - points[:, 1])
        return points @ self._matrix.T + self._offset


class Canvas:
    """An image and the light that falls on it.

    Each piece that is filled throws a soft shadow on what lies under it, and turns dark on the side away from the
    light, so that flat polygons look round and hems can be told apart even between similar colours.
    """

    def __init__(self, image: np.ndarray, camera: Camera, rng: np.random.Generator):
        self.image = image
        self.camera = camera
        height, width = image.shape[:2]
        shape = (height // _LIGHT_SCALE, width // _LIGHT_SCALE)
        self.light = np.ones(shape, np.float32)
        self._reach = max(camera.unit / _LIGHT_SCALE * 0.16, 1.0)
        self._direction = 1 if rng.random() < 0.5 else -1
        folds = rng.normal(1.0, 0.07, (3, max(int(3.2 * width / camera.unit), 4))).astype(np.float32)
        self._folds = cv2.resize(folds, shape[::-1], interpolation=cv2.INTER_CUBIC)

    def fill(
        self, points: np.ndarray, paint: Fabric | tuple[float, ...], shade: float = 0.3, edge: float = 0.72
    ) -> None:
        """Fills an outline, shape `(n, 2)`, with a colour or a fabric.

        Args:
            shade: how much darker the side away from the light is; 0 for flat pieces, which throw no shadow either.
            edge: the outline is so much darker than the inside; 1 for none.
        """
        pixels = self.camera(points)
        bounds = _bounds(pixels)
        window = _window(bounds, self.image.shape)
        if window is None:
            return
        fixed = [_fixed_point(pixels)]
        colour = paint if isinstance(paint, tuple) else paint.colour
        if isinstance(paint, tuple) or paint.tile is None:
            cv2.fillPoly(self.image, fixed, colour, cv2.LINE_AA, _SUBPIXELS)
        else:
            self._fill_patterned(window, fixed[0], paint)
        if edge < 1:
            outline = tuple(edge * channel for channel in colour)
            thickness = max(round(self.camera.unit * 0.018), 1)
            cv2.polylines(self.image, fixed, True, outline, thickness, cv2.LINE_AA, _SUBPIXELS)
        if shade:
            self._illuminate(pixels / _LIGHT_SCALE, bounds / _LIGHT_SCALE, shade, folded=not isinstance(paint, tuple))

    def stroke(self, points: np.ndarray, colour: tuple[float, ...], width: float = 0.03) -> None:
        """Draws a line of `width` head units."""
        pixels = self.camera(points)
        if _window(_bounds(pixels), self.image.shape) is None:
            return
        fixed = [_fixed_point(pixels)]
        thickness = max(round(self.camera.unit * width), 1)
        cv2.polylines(self.image, fixed, False, colour, thickness, cv2.LINE_AA, _SUBPIXELS)

    def dot(self, x: float, y: float, radius: float, colour: tuple[float, ...]) -> None:
        """Draws a disc, its radius in head units."""
        centre = np.round(self.camera(np.array([[x, y]]))[0] * 2**_SUBPIXELS).astype(int)
        fixed_radius = max(round(radius * self.camera.unit * 2**_SUBPIXELS), 8)
        cv2.circle(self.image, centre.tolist(), fixed_radius, colour, -1, cv2.LINE_AA, _SUBPIXELS)

    def _fill_patterned(self, window: tuple[slice, slice], fixed: np.ndarray, fabric: Fabric) -> None:
        rows, columns = window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        origin = np.array([columns.start, rows.start], np.int32) << _SUBPIXELS
        cv2.fillPoly(mask, [fixed - origin], 255, cv2.LINE_8, _SUBPIXELS)
        self.image[window] = cv2.copyTo(fabric.cut(rows, columns), mask, self.image[window])

    def _illuminate(self, pixels: np.ndarray, bounds: np.ndarray, shade: float, folded: bool) -> None:
        reach = self._reach
        margin = int(3 * reach) + 2
        window = _window(bounds, self.light.shape, margin)
        if window is None:
            return
        (top, bottom), (left, right) = ((side.start, side.stop) for side in window)
        height, width = bottom - top, right - left
        # The mask is wider than the window, or pieces would seem to end at the edge of the image.
        mask = np.zeros((height + 2 * margin, width + 2 * margin), np.float32)
        fixed = _fixed_point(pixels - (left - margin, top - margin))
        cv2.fillPoly(mask, [fixed], 1.0, cv2.LINE_8, _SUBPIXELS)
        kernel = 2 * int(reach) + 1
        blurred = cv2.blur(mask, (kernel, kernel))
        aside, drop = round(reach * 0.9) * self._direction, round(reach * 0.7)

        def shifted(source: np.ndarray, x: int, y: int) -> np.ndarray:
            return source[margin + y : margin + y + height, margin + x : margin + x + width]

        surface = (1 - shade) + shade * shifted(blurred, aside, drop // 2)
        if folded:
            surface *= self._folds[window]
        below = self.light[window] * (1 - 0.22 * shifted(blurred, -aside, -drop))
        self.light[window] = below + shifted(mask, 0, 0) * (surface - below)


def _fixed_point(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * 2**_SUBPIXELS).astype(np.int32)


def _bounds(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def _window(bounds: np.ndarray, shape: tuple[int, ...], margin: int = 1) -> tuple[slice, slice] | None:
    """Rows and columns of the image that an outline touches; `None` if it lies outside."""
    left, top, right, bottom = bounds.tolist()
    left, right = max(int(left) - margin, 0), min(int(right) + 1 + margin, shape[1])
    top, bottom = max(int(top) - margin, 0), min(int(bottom) + 1 + margin, shape[0])
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None
