"""The affine map between image space and input space, for each image of a batch or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ImageGeometry:
    """How a batch of images, or a whole table of them, was mapped to input space, the pixels of the model's input.

    Pixels are counted from 0 at the centre of the upper left one. Relative coordinates run from 0 at the left or upper
    edge to 1 at the right or lower edge, so that a pixel at `x` lies at `(x + 0.5) / width`.

    Attributes:
        matrices: float64 `(rows, 2, 3)`, from (x, y, 1) in pixels of the image to (x, y) in pixels of input
            space. A negative determinant mirrors.
        sizes: int64 `(rows, 2)`, height and width of each image.
        image_size: Height and width of the model's input, in pixels.

    Example:

    ```python
    geometry = ImageGeometry.whole([(100, 200)], image_size=(50, 50))
    geometry.to_input_points(np.array([[[99.5, 49.5]]]))  # [[[0.5, 0.5]]], the middle
    ```
    """

    matrices: np.ndarray
    sizes: np.ndarray
    image_size: tuple[int, int]

    @classmethod
    def empty(cls, rows: int, image_size: tuple[int, int]) -> ImageGeometry:
        """Room for so many rows, to be filled in."""
        return cls(np.zeros((rows, 2, 3)), np.zeros((rows, 2), "int64"), (image_size[0], image_size[1]))

    @classmethod
    def whole(cls, sizes: Sequence[tuple[int, int]] | np.ndarray, image_size: tuple[int, int]) -> ImageGeometry:
        """Images of these heights and widths, each stretched to the model's input size."""
        sizes = np.asarray(sizes, "int64").reshape(-1, 2)
        scale = np.asarray(image_size)[::-1] / sizes[:, ::-1]
        matrices = np.zeros((len(sizes), 2, 3))
        matrices[:, [0, 1], [0, 1]] = scale
        matrices[:, :, 2] = (scale - 1) / 2  # pixel centres
        return cls(matrices, sizes, (image_size[0], image_size[1]))

    def __len__(self) -> int:
        return len(self.matrices)

    def take(self, rows: np.ndarray) -> ImageGeometry:
        """That of some rows."""
        return ImageGeometry(self.matrices[rows], self.sizes[rows], self.image_size)

    @property
    def mirrored(self) -> np.ndarray:
        """Which images are mirrored in input space: bool `(rows,)`."""
        linear = self.matrices[:, :, :2]
        return linear[:, 0, 0] * linear[:, 1, 1] < linear[:, 0, 1] * linear[:, 1, 0]

    def to_input_points(self, points: np.ndarray) -> np.ndarray:
        """Points in pixels of the image, `(rows, points, 2)` as (x, y), to relative ones in input space."""
        moved = points @ self.matrices[:, :, :2].transpose(0, 2, 1) + self.matrices[:, None, :, 2]
        return (moved + 0.5) / np.asarray(self.image_size)[::-1]

    def to_image_points(self, points: np.ndarray) -> np.ndarray:
        """Relative points in input space, `(rows, points, 2)`, to pixels of the image."""
        pixels = points * np.asarray(self.image_size)[::-1] - 0.5 - self.matrices[:, None, :, 2]
        return pixels @ np.linalg.inv(self.matrices[:, :, :2]).transpose(0, 2, 1)

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Points relative to the image, `(rows, points, 2)`, to its pixels."""
        return points * self.sizes[:, None, ::-1] - 0.5

    def to_relative(self, points: np.ndarray) -> np.ndarray:
        """Points in pixels of the image, `(rows, points, 2)`, to relative ones in the image."""
        return (points + 0.5) / self.sizes[:, None, ::-1]
