"""From decoded images to the model's input size, by one affine matrix.

Coordinates are those of pixel centres: (0, 0) is the centre of the upper left pixel, so an image of width w covers
-0.5 to w - 0.5. With this alignment a matrix that only resizes gives what `cv2.resize` and `tf.image.resize` give.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

FILLS = {
    "reflect": cv2.BORDER_REFLECT,
    "nearest": cv2.BORDER_REPLICATE,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}
RESIZES = ("stretch", "crop", "pad")
Region = tuple[float, float, float, float]
# What x and y are multiplied by, row by row, and how far they move.
Linear = tuple[float, float, float, float]
Shift = tuple[float, float]


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
    return centred_matrix(source_shape, image_size, resize, (1, 0, 0, 1), (0, 0), region)


def centred_matrix(
    source_shape: tuple[int, ...],
    image_size: tuple[int, int],
    resize: str,
    linear: Linear,
    shift: Shift,
    region: Region | None,
) -> np.ndarray:
    """Returns the affine matrix that resizes, then changes the image about its centre, then shifts it.

    Args:
        source_shape: As in :func:`resize_matrix`, as are `image_size`, `resize` and `region`.
        image_size: (height, width) of the result.
        resize: "stretch", "crop" or "pad".
        linear: The numbers (xx, xy, yx, yy) that x and y are multiplied by, in pixels of the result from its centre.
        shift: How far along x and y, as parts of the sides of the result.
        region: The part of the source that is seen.

    Raises:
        ValueError: `resize` is unknown.
    """
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
        fill: What is seen beyond the image's edge; see `mtlzoo.data.Augmentation`.
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
