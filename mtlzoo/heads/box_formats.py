"""The formats in which labels write boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtlzoo.errors import LabelError
from mtlzoo.heads.texts import is_missing

# The names are those of `keras.utils.bounding_boxes.convert_format`.
FORMATS = (
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
)
# How far a label may lie outside of its image: rounding to whole pixels, or to three decimals.
PIXELS, SHARE = 1.0, 1e-3


def check_format(format: str) -> str:
    """The format, if it is one.

    Raises:
        ValueError: If it is none; it lists those that are.
    """
    if format not in FORMATS:
        raise ValueError(f"Expected `format` to be one of {', '.join(FORMATS)}, received: {format!r}.")
    return format


def to_corners(boxes: np.ndarray, format: str) -> np.ndarray:
    """Boxes of a format as x_min, y_min, x_max, y_max in the same unit, float64 `(..., 4)`."""
    boxes = np.asarray(boxes, "float64")
    kind = format.removeprefix("rel_")
    if kind.endswith(("yxyx", "yxhw")):
        boxes = boxes[..., [1, 0, 3, 2]]
    low, high = boxes[..., :2], boxes[..., 2:]
    if kind == "xywh":
        high = low + high
    elif kind.startswith("center_"):
        low, high = low - high / 2, low + high / 2
    return np.concatenate([low, high], axis=-1)


def from_corners(corners: np.ndarray, format: str) -> np.ndarray:
    """The opposite of :func:`to_corners`."""
    low, high = corners[..., :2], corners[..., 2:]
    kind = format.removeprefix("rel_")
    if kind == "xywh":
        high = high - low
    elif kind.startswith("center_"):
        low, high = (low + high) / 2, high - low
    boxes = np.concatenate([low, high], axis=-1)
    return boxes[..., [1, 0, 3, 2]] if kind.endswith(("yxyx", "yxhw")) else boxes


def box_format(boxes: Sequence[Sequence[Any]]) -> str:
    """The format of a column of boxes: corners, as fractions of the image if no number is above 1, in pixels otherwise.

    Raises:
        ValueError: If some box has no such corners; it names the formats in which all would be boxes.
    """
    numbers = np.array([[np.nan if is_missing(part) else float(part) for part in box] for box in boxes], "float64")
    known = numbers[~np.isnan(numbers).any(axis=1) & ~is_no_box(numbers)]
    if not len(known):
        raise ValueError("no row has a box")
    relative = known.max() <= 1 + SHARE
    format = "rel_xyxy" if relative else "xyxy"
    good = fits(known, format)
    if not good.all():
        wrong = ", ".join(f"{number:g}" for number in known[~good][0])
        raise ValueError(
            f"expected boxes as x_min, y_min, x_max, y_max, received {wrong}{also_fits(known, relative)}; say the format, "
            'such as mtl.BoxHead(format="xywh") or --heads NAME=box:format=xywh'
        )
    return format


def is_no_box(box: np.ndarray) -> np.ndarray:
    """Which boxes `(..., 4)` are the four zeros or the four -1 by which label files say that there is none."""
    return np.asarray((box == 0).all(axis=-1) | (box == -1).all(axis=-1))


def fits(boxes: np.ndarray, format: str) -> np.ndarray:
    """Which boxes `(..., 4)` have a width and a height in a format, and lie in their image, as far as that is known."""
    corners, tolerance = to_corners(boxes, format), SHARE if is_relative(format) else PIXELS
    good = (corners[..., 2:] > corners[..., :2]).all(axis=-1) & (corners >= -tolerance).all(axis=-1)
    return np.asarray(good & (corners <= 1 + SHARE).all(axis=-1) if is_relative(format) else good)


def is_relative(format: str) -> bool:
    """Whether a format's numbers are fractions of the image's sides."""
    return format.startswith("rel_")


def also_fits(boxes: np.ndarray, relative: bool) -> str:
    """The formats in which all of some boxes would be boxes, for a message."""
    fitting = [format for format in FORMATS if is_relative(format) == relative and fits(boxes, format).all()]
    return f"; as {' or '.join(fitting)} it would be one" if fitting else ""


def also_inside(box: np.ndarray, height: int, width: int) -> str:
    """The formats in which a box in pixels lies in an image of this size, for a message."""
    fractions = box / np.array([width, height, width, height])
    fitting = [format for format in FORMATS[:4] if fits(fractions, format)]
    listed = " or ".join(format.removeprefix("rel_") for format in fitting if format != "rel_yxyx")
    return f"; as {listed} it would be one" if listed else ""


def check_pixels(boxes: np.ndarray, format: str) -> None:
    """Refuse boxes in fractions of their images' sides that are given as pixels.

    Args:
        boxes: Boxes `(rows, boxes, 4)`, `NaN` where there is none.
        format: How they are meant.

    Raises:
        LabelError: If one of them lies within the first pixel.
    """
    known = ~np.isnan(boxes).any(axis=-1)
    tiny = known & (boxes <= 1).all(axis=-1) & (boxes % 1 != 0).any(axis=-1)
    if not is_relative(format) and tiny.any():
        row = int(np.argmax(tiny.any(axis=1)))
        listed = ", ".join(f"{number:g}" for number in boxes[row][tiny[row]][0])
        which = "all of them lie" if (boxes[known] <= 1).all() else "one lies"
        raise LabelError(
            row,
            f"expected boxes in pixels ({format}), but {which} from 0 to 1, such as {listed}; for shares of the "
            'image\'s sides say format="rel_..."',
        )
