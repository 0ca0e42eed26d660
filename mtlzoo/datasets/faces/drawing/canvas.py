"""What faces need beyond a canvas: transparent colour, the roundness of a head, backgrounds out of focus."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mtlzoo.datasets.drawing.canvas import Camera, Canvas
from mtlzoo.datasets.drawing.fabric import garment_colour
from mtlzoo.datasets.drawing.scene import background

__all__ = ["FaceCanvas", "face_background"]

_SUBPIXELS = 4
_LIGHT_SCALE = 4


class FaceCanvas(Canvas):
    """A canvas with transparent paint and a light from one side."""

    def __init__(self, image: np.ndarray, camera: Camera, rng: np.random.Generator):
        super().__init__(image, camera, rng)
        self._light_from = np.array([rng.normal(0, 0.4), rng.uniform(-0.6, 0.0)])

    def glaze(
        self,
        points: np.ndarray | Sequence[np.ndarray],
        colour: tuple[float, ...],
        opacity: float,
        blur: float = 0.0,
        width: float = 0.0,
    ) -> None:
        """Lays transparent colour over an outline, or along lines if they have a `width`.

        Args:
            points: shape `(n, 2)`, head units; or several such arrays, painted at once.
            opacity: 0 to 1.
            blur: how far the colour runs out at its edge, in head units.
            width: head units; 0 fills the outline.
        """
        shapes = [points] if isinstance(points, np.ndarray) else points
        shapes = [self.camera(shape) for shape in shapes if len(shape) > 1]
        if not shapes or opacity <= 0:
            return
        thickness = max(round(width * self.camera.unit), 1)
        spread = int(blur * self.camera.unit)
        reach = 2 * spread + thickness + 2
        everything = np.concatenate(shapes)
        left, top = (max(int(side) - reach, 0) for side in everything.min(axis=0).tolist())
        right, bottom = (int(side) + 1 + reach for side in everything.max(axis=0).tolist())
        window = self.image[top : max(bottom, 0), left : max(right, 0)]
        if window.size == 0:
            return
        mask: np.ndarray = np.zeros(window.shape[:2], np.uint8)
        fixed = [np.rint((shape - (left, top)) * 2**_SUBPIXELS).astype(np.int32) for shape in shapes]
        level = round(255 * min(opacity, 1.0))
        if width:
            cv2.polylines(mask, fixed, False, level, thickness, cv2.LINE_AA, _SUBPIXELS)
        else:
            cv2.fillPoly(mask, fixed, level, cv2.LINE_AA, _SUBPIXELS)
        if spread:
            kernel = (2 * spread + 1,) * 2
            mask = cv2.blur(cv2.blur(mask, kernel), kernel)
        kept = cv2.multiply(window, cv2.merge([cv2.bitwise_not(mask)] * 3), scale=1 / 255)
        paint = cv2.merge([cv2.convertScaleAbs(mask, alpha=min(channel, 255.0) / 255) for channel in colour])
        cv2.add(kept, paint, dst=kept)
        window[:] = kept

    def dim(self, outlines: Sequence[np.ndarray], amount: float, blur: float) -> None:
        """Takes light away inside outlines, softly: `amount` of it, 0 to 1, running out over `blur` head units."""
        mask = np.zeros(self.light.shape, np.float32)
        outlines = [self.camera(outline) / _LIGHT_SCALE for outline in outlines if len(outline) > 2]
        fixed = [np.rint(outline * 2**_SUBPIXELS).astype(np.int32) for outline in outlines]
        if fixed:
            cv2.fillPoly(mask, fixed, amount, cv2.LINE_8, _SUBPIXELS)
            kernel = (2 * int(blur * self.camera.unit / _LIGHT_SCALE) + 1,) * 2
            self.light *= 1 - cv2.blur(cv2.blur(mask, kernel), kernel)

    def round_off(self, points: np.ndarray, strength: float = 0.5) -> None:
        """Lights the inside of an outline as if it were a ball: dark towards the edges and away from the lamp."""
        pixels = self.camera(points) / _LIGHT_SCALE
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        left, top = np.maximum(np.floor(low).astype(int), 0)
        right, bottom = np.minimum(np.ceil(high).astype(int) + 1, self.light.shape[::-1])
        if left >= right or top >= bottom:
            return
        middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1.0) * 1.04
        u = ((np.arange(left, right) - middle[0]) / half[0])[None, :]
        v = ((np.arange(top, bottom) - middle[1]) / half[1])[:, None]
        depth = 1 - 0.55 * (u**2 + v**2)  # Flatter than a ball, whose rim would be too dark.
        lambert = (u * self._light_from[0] + v * self._light_from[1] + depth).astype(np.float32)
        mask = np.zeros(lambert.shape, np.float32)
        fixed = np.rint((pixels - (left, top)) * 2**_SUBPIXELS).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 1.0, cv2.LINE_8, _SUBPIXELS)
        mask = cv2.blur(mask, (3, 3))
        self.light[top:bottom, left:right] *= 1 + mask * strength * np.clip(lambert - 0.85, -1.0, 0.35)


def face_background(camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """A wall, a room, or coloured lights and shapes out of focus; uint8, shape `(height, width, 3)`."""
    height, width = camera.size
    if rng.random() < 0.4:
        image = background(camera, rng)
        if rng.random() < 0.5:
            image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.15, 0.8))
        return image
    coarse = np.empty((8, 8, 3), np.uint8)
    coarse[:] = garment_colour(rng)
    for _ in range(int(rng.integers(2, 9))):
        row, column = rng.integers(0, 8, 2)
        coarse[row : row + rng.integers(1, 7), column : column + rng.integers(1, 4)] = garment_colour(rng)
    grain = rng.normal(0, rng.uniform(2, 22), (8, 8, 1))
    coarse = np.clip(coarse + grain, 0, 255).astype(np.uint8)
    method = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
    return cv2.resize(coarse, (width, height), interpolation=method)
