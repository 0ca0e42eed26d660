"""Augmentation: one affine matrix takes the decoded image straight to the model's input size.

Coordinates are those of pixel centres: (0, 0) is the centre of the upper left pixel, so an image of width w covers
-0.5 to w - 0.5. With this alignment a matrix that only resizes gives what `cv2.resize` and `tf.image.resize` give.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import cv2
import numpy as np

from mtlzoo.system.registries import AUGMENTATIONS

FILLS = {
    "reflect": cv2.BORDER_REFLECT,
    "nearest": cv2.BORDER_REPLICATE,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}
RESIZES = ("stretch", "crop", "pad")
Region = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image; each amount is drawn anew, uniformly, for each image.

    Args:
        flip: Whether to mirror half of the images left to right.
        rotation: Largest angle in degrees, to either side; 0 to 180.
        zoom: The part of the image that is seen is 1 - zoom to 1 + zoom times as wide and high; below 1.
        shift: Largest shift along each axis, as a part of the side; below 1.
        brightness: Values are multiplied by 1 - brightness to 1 + brightness; at most 1.
        contrast: Distances from the mean of the image are multiplied by 1 - contrast to 1 + contrast; at most 1.
        fill: What is seen beyond the image's edge: "reflect", "nearest", "wrap" or "constant" (black), as in Keras.

    Raises:
        ValueError: An amount is out of its range, or the fill is unknown.

    Example:

    ```python
    import numpy as np
    from mtlzoo.images.augmentation import Augmentation, transform_points, warp

    augmentation = Augmentation(rotation=10, shift=0.1)
    matrix = augmentation.sample_matrix(np.random.default_rng(0), source_shape=(300, 400), image_size=(224, 224))
    image = warp(np.zeros((300, 400, 3), np.uint8), matrix, (224, 224), fill=augmentation.fill)
    nose = transform_points([[200.0, 150.0]], matrix)
    ```
    """

    flip: bool = True
    rotation: float = 20.0
    zoom: float = 0.2
    shift: float = 0.0
    brightness: float = 0.2
    contrast: float = 0.0
    fill: str = "reflect"

    def __post_init__(self) -> None:
        for name, largest in (("rotation", 180), ("zoom", 1), ("shift", 1), ("brightness", 1), ("contrast", 1)):
            value = getattr(self, name)
            open_end = name in ("zoom", "shift")
            if not (0 <= value < largest or (value == largest and not open_end)):
                limit = f"below {largest}" if open_end else f"at most {largest}"
                raise ValueError(f"Expected {name} to be at least 0 and {limit}, received: {value!r}.")
        if self.fill not in FILLS:
            raise ValueError(f"Expected fill to be one of {', '.join(FILLS)}, received: {self.fill!r}.")

    def sample_matrix(
        self,
        rng: np.random.Generator,
        source_shape: tuple[int, ...],
        image_size: tuple[int, int],
        resize: str = "stretch",
        region: Region | None = None,
    ) -> np.ndarray:
        """Draws the affine matrix that takes source pixels to pixels of the augmented image.

        The image is flipped, rotated, zoomed and shifted about its centre, after it was resized. The same five random
        numbers are drawn whatever the amounts are. The image is mirrored where the determinant of the matrix is
        negative: left and right landmarks then change names.

        Args:
            rng: Where the random numbers come from.
            source_shape: (height, width) in pixels, or the shape of the image array.
            image_size: (height, width) of the augmented image.
            resize: How an image is resized to the size: see `resize_matrix`.
            region: The part of the source that is seen, see `resize_matrix`.

        Returns:
            float64 matrix of shape (2, 3): (x, y, 1) in the source to (x, y) in the augmented image.
        """
        flip, angle, zoom, *shift = rng.random(5).tolist()
        angle = math.radians(self.rotation * (2 * angle - 1))
        scale = 1 / (1 + self.zoom * (2 * zoom - 1))
        mirror = -1 if self.flip and flip < 0.5 else 1
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        shift_x, shift_y = (self.shift * (2 * amount - 1) for amount in shift)
        linear = (mirror * cosine, -mirror * sine, sine, cosine)
        return _centred_matrix(source_shape, image_size, resize, linear, (shift_x, shift_y), region)

    def adjust_colors(self, rng: np.random.Generator, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Draws brightness and contrast, and applies them to a uint8 image, saturating at 0 and 255.

        Args:
            rng: Where the two random numbers come from; they are drawn whatever the amounts are.
            image: uint8 image of shape (height, width, 3).
            out: Where to write the result, which may be the image itself; by default a new array.

        Returns:
            uint8 image of the same shape.
        """
        gain, contrast = (2 * rng.random(2) - 1).tolist()
        gain, contrast = 1 + self.brightness * gain, 1 + self.contrast * contrast
        # The mean matters only where the contrast changes, and is not free.
        mean = sum(cv2.mean(image)[:3]) / 3 if self.contrast else 0.0
        factor, offset = gain * contrast, gain * mean * (1 - contrast)
        if offset >= 0:  # The same numbers in two thirds of the time, were it not for the absolute value that it takes.
            return cv2.convertScaleAbs(image, dst=out, alpha=factor, beta=offset)
        return cv2.addWeighted(image, factor, image, 0, offset, dst=out)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Augmentation:
        """Builds an augmentation from what `get_config` returned."""
        return cls(**config)


# What the FashionAI recipes use.
DEFAULT = Augmentation()
# Mirrors and does nothing else.
LIGHT = Augmentation(rotation=0, zoom=0, brightness=0)
# For long training on a few thousand images.
STRONG = Augmentation(rotation=30, zoom=0.3, shift=0.1, brightness=0.4, contrast=0.4)


def augmentation(identifier: str | Augmentation | None) -> Augmentation | None:
    """Resolves an augmentation.

    Args:
        identifier: `None` (no augmentation), the name of one of `AUGMENTATIONS`, or an `Augmentation`.

    Returns:
        The augmentation, or `None`.

    Raises:
        ValueError: The name is unknown.
    """
    if identifier is None or isinstance(identifier, Augmentation):
        return identifier
    if isinstance(identifier, str) and identifier in AUGMENTATIONS:
        return AUGMENTATIONS[identifier]
    names = ", ".join(map(repr, AUGMENTATIONS.names()))
    raise ValueError(f"Expected None, an Augmentation, or one of {names}, received: {identifier!r}.")


def resize_matrix(
    source_shape: tuple[int, ...],
    image_size: tuple[int, int],
    resize: str = "stretch",
    region: Region | None = None,
) -> np.ndarray:
    """Returns the affine matrix that resizes and does nothing else.

    Args:
        source_shape: (height, width) in pixels, or the shape of the image array.
        image_size: (height, width) of the result.
        resize: "stretch" (each side to its new length), "crop" (keeps the aspect ratio, cuts off what does not fit
            in the middle) or "pad" (keeps the aspect ratio, black bars).
        region: The part of the source that is resized, (x_min, y_min, x_max, y_max) in pixels, by default the whole; it
            may reach beyond the source's edges.

    Returns:
        float64 matrix of shape (2, 3): (x, y, 1) in the source to (x, y) in the result.

    Raises:
        ValueError: `resize` is unknown.
    """
    return _centred_matrix(source_shape, image_size, resize, (1, 0, 0, 1), (0, 0), region)


def _centred_matrix(
    source_shape: tuple[int, ...],
    image_size: tuple[int, int],
    resize: str,
    linear: tuple[float, float, float, float],
    shift: tuple[float, float],
    region: Region | None,
) -> np.ndarray:
    """Resizes, then applies `linear` about the centre, then shifts by a part of the size."""
    height, width = image_size
    left, top, right, bottom = (-0.5, -0.5, source_shape[1] - 0.5, source_shape[0] - 0.5) if region is None else region
    source_width, source_height = right - left, bottom - top
    scale_x, scale_y = width / source_width, height / source_height
    if resize == "crop":
        scale_x = scale_y = max(scale_x, scale_y)
    elif resize == "pad":
        scale_x = scale_y = min(scale_x, scale_y)
    elif resize != "stretch":
        raise ValueError(f"Expected resize to be one of {', '.join(RESIZES)}, received: {resize!r}.")
    xx, xy, yx, yy = linear[0] * scale_x, linear[1] * scale_y, linear[2] * scale_x, linear[3] * scale_y
    centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
    x = (width - 1) / 2 + shift[0] * width - xx * centre_x - xy * centre_y
    y = (height - 1) / 2 + shift[1] * height - yx * centre_x - yy * centre_y
    return np.array([[xx, xy, x], [yx, yy, y]])


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Moves points with the pixels.

    Args:
        points: Array of shape (..., 2), (x, y) in pixels, where (0, 0) is the centre of the upper left pixel. The
            corners of a box are points too.
        matrix: Affine matrix of shape (2, 3).

    Returns:
        float64 array of shape (..., 2).
    """
    return np.asarray(points, float) @ matrix[:, :2].T + matrix[:, 2]


def warp(
    image: np.ndarray,
    matrix: np.ndarray,
    image_size: tuple[int, int],
    fill: str = "reflect",
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Applies an affine matrix to an image, with bilinear interpolation.

    Where the matrix shrinks to less than half, the image is first area-averaged by a whole factor: bilinear
    interpolation looks at four pixels only and would skip the others.

    Args:
        image: uint8 image of shape (height, width, 3).
        matrix: Affine matrix of shape (2, 3), from pixels of the image to pixels of the result.
        image_size: (height, width) of the result.
        fill: What is seen beyond the image's edge; see `Augmentation`.
        out: uint8 array of shape (height, width, 3) to write the result to; by default a new one.

    Returns:
        uint8 image of shape (height, width, 3).
    """
    (xx, xy, _), (yx, yy, _) = matrix.tolist()
    # The columns of the linear part are what one source pixel becomes.
    factor_x, factor_y = int(1 / math.hypot(xx, yx)), int(1 / math.hypot(xy, yy))
    if factor_x >= 2 or factor_y >= 2:
        height, width = image.shape[:2]
        shrunk = (width // factor_x if factor_x >= 2 else width, height // factor_y if factor_y >= 2 else height)
        if xy or yx:  # OpenCV averages whole factors ten times faster; a turned image can spare its last few pixels
            width, height = width - width % shrunk[0], height - height % shrunk[1]
            image = image[:height, :width]
        image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
        matrix = matrix @ scale_matrix((shrunk[1], shrunk[0]), (height, width))
    image, matrix = _add_border(image, matrix, image_size, fill)
    # OpenCV warps four channels faster than three, with the same result; the two conversions cost next to nothing.
    image = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    image = cv2.warpAffine(image, matrix, image_size[::-1], flags=cv2.INTER_LINEAR, borderMode=FILLS[fill])
    return cv2.cvtColor(image, cv2.COLOR_RGBA2RGB, dst=out)


def _add_border(
    image: np.ndarray, matrix: np.ndarray, image_size: tuple[int, int], fill: str
) -> tuple[np.ndarray, np.ndarray]:
    """Adds what will be seen beyond the edges, as OpenCV is slow where a warp leaves the image; the matrix moves along."""
    height, width = image.shape[:2]
    (xx, xy, x), (yx, yy, y) = cv2.invertAffineTransform(matrix).tolist()
    right, down = image_size[1] - 1, image_size[0] - 1
    x_low, x_high = x + min(xx, 0) * right + min(xy, 0) * down, x + max(xx, 0) * right + max(xy, 0) * down
    y_low, y_high = y + min(yx, 0) * right + min(yy, 0) * down, y + max(yx, 0) * right + max(yy, 0) * down
    left, top = max(0, math.ceil(-x_low) + 1), max(0, math.ceil(-y_low) + 1)
    right, down = max(0, math.ceil(x_high) + 2 - width), max(0, math.ceil(y_high) + 2 - height)
    beyond = (left + width + right) * (top + height + down) / (width * height)
    # An edge is not worth a copy, and a region far outside of the image would need a boundless one.
    if fill == "constant" or not 1.1 < beyond < 4:
        return image, matrix
    image = cv2.copyMakeBorder(image, top, down, left, right, FILLS[fill])
    return image, matrix - np.array([[0, 0, 1]]) * (matrix[:, :2] @ [left, top])[:, None]


def scale_matrix(shape: tuple[int, int], target_shape: tuple[int, int]) -> np.ndarray:
    """Returns the (3, 3) matrix from pixels of an image to those of the same image at another (height, width)."""
    return np.vstack([resize_matrix(shape, target_shape), [0, 0, 1]])
