"""Boxes as labels write them, and how they move with the pixels."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from mtlzoo.errors import LabelError
from mtlzoo.heads.box_formats import PIXELS, SHARE, also_fits, also_inside, from_corners, is_relative, to_corners
from mtlzoo.heads.texts import is_missing, value_text
from mtlzoo.images.geometry import ImageGeometry


def numbers_of(value: Any) -> list[Any]:
    """What a cell lists: a sequence as it is, or what its text says, with `;`, commas, blanks or brackets between.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(value, str):
        if ";" not in value and value.strip()[:1] in ("[", "("):
            try:
                value = ast.literal_eval(value.strip())
            except SyntaxError as error:  # which is no `ValueError`
                raise ValueError(str(error)) from None
        else:
            value = [part for part in re.split(r"[\s,;()\[\]'\"]+", value) if part]
    if not isinstance(value, list | tuple | np.ndarray):
        raise ValueError(f"no list: {value_text(value)}")
    flat: list[Any] = []
    for part in value:
        flat.extend(part) if isinstance(part, list | tuple | np.ndarray) else flat.append(part)
    return flat


def box_of(parts: Sequence[Any], format: str, row: int, value: Any) -> np.ndarray:
    """Four numbers, checked as far as that goes without knowing the image.

    Args:
        parts: The numbers or their texts.
        format: How they are meant.
        row: For the message.
        value: The cell, likewise.

    Raises:
        LabelError: If they are not four finite numbers, the width or height is not positive, or relative ones lie outside
            of the image.
    """
    try:
        box = np.array([np.nan if is_missing(part) else float(part) for part in parts])
    except (TypeError, ValueError):
        box = np.empty(0)
    if box.shape != (4,):
        raise LabelError(row, f"expected a box of 4 numbers ({format}), received {value_text(value)}")
    if not np.isfinite(box).all():
        raise LabelError(row, f"expected 4 finite numbers ({format}), received {value_text(value)}")
    x_min, y_min, x_max, y_max = to_corners(box, format)
    received = f"received {value_text(value)}"
    if not (x_max > x_min and y_max > y_min):
        other = also_fits(box, is_relative(format))
        raise LabelError(
            row, f"expected a box with a width and height above 0 ({format}), {received}{other} (`format`)"
        )
    if is_relative(format) and not (min(x_min, y_min) >= -SHARE and max(x_max, y_max) <= 1 + SHARE):
        other = also_fits(box, relative=bool(max(box) <= 1 + SHARE))
        raise LabelError(row, f"expected a box from 0 to 1 ({format}), within the image, {received}{other} (`format`)")
    return box


def place_boxes(boxes: np.ndarray, format: str, geometry: ImageGeometry) -> np.ndarray:
    """Move boxes as the pixels of their images were moved.

    Args:
        boxes: Of a format, `(rows, boxes, 4)`; `NaN` stays `NaN`.
        format: The format.
        geometry: Where each row's pixels come to lie.

    Returns:
        float64 `(rows, boxes, 4)`, x_min, y_min, x_max, y_max relative to input space: of the upright box
        around the four moved corners, the part that is seen; `NaN` where nothing is.

    Raises:
        LabelError: If a box reaches out of its image.
    """
    corners, relative = to_corners(boxes, format), is_relative(format)
    if not relative:
        beyond = (corners[..., :2] < -PIXELS) | (corners[..., 2:] > geometry.sizes[:, None, ::-1] + PIXELS)
        rows = np.flatnonzero(beyond.any(axis=(1, 2)))
        if len(rows):
            height, width = geometry.sizes[rows[0]]
            wrong = boxes[rows[0]][beyond[rows[0]].any(axis=-1)][0]
            listed = ", ".join(f"{number:g}" for number in wrong)
            raise LabelError(
                int(rows[0]),
                f"expected a box within the image of {width} x {height} pixels, received {listed} ({format})"
                f"{also_inside(wrong, height, width)} (`format`)",
            )
    points = _four_points(corners)
    points = geometry.to_pixels(points) if relative else points - 0.5
    low, high = _around(geometry.to_input_points(points), boxes.shape[1])
    low, high = low.clip(0, 1), high.clip(0, 1)
    seen = (high > low).all(axis=-1, keepdims=True)
    return np.where(seen, np.concatenate([low, high], axis=-1), np.nan)


def restore_boxes(boxes: np.ndarray, format: str, geometry: ImageGeometry) -> np.ndarray:
    """The opposite of :func:`place_boxes`, cut at the edges of the image."""
    points = geometry.to_image_points(_four_points(np.asarray(boxes, "float64")))
    edges = geometry.sizes[:, None, ::-1].astype("float64")
    if is_relative(format):
        points, edges = geometry.to_relative(points), np.ones_like(edges)
    else:
        points = points + 0.5
    low, high = (corner.clip(0, edges) for corner in _around(points, boxes.shape[1]))
    return from_corners(np.concatenate([low, high], axis=-1), format)


def box_marks(boxes: np.ndarray, format: str, geometry: ImageGeometry) -> np.ndarray:
    """Boxes of a format, `(rows, boxes, 4)`, in pixels of the images, from 0 at the centre of the upper left one."""
    corners = to_corners(boxes, format)
    if not is_relative(format):
        return corners - 0.5
    return geometry.to_pixels(corners.reshape(len(corners), -1, 2)).reshape(corners.shape)


def _four_points(corners: np.ndarray) -> np.ndarray:
    """`(rows, boxes, 4)` as `(rows, 4 * boxes, 2)`."""
    return np.stack([corners[..., [0, 2, 2, 0]], corners[..., [1, 1, 3, 3]]], axis=-1).reshape(
        len(corners), 4 * corners.shape[1], 2
    )


def _around(points: np.ndarray, boxes: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest coordinates of each four points, `(rows, boxes, 2)` each."""
    points = points.reshape(len(points), boxes, 4, 2)
    return points.min(axis=2), points.max(axis=2)
