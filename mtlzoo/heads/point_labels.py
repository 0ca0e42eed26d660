"""Points as labels write them: how they are read, what says that one is missing, and which cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from mtlzoo.errors import LabelError
from mtlzoo.heads.class_names import number_of
from mtlzoo.heads.texts import is_missing, value_text

FORMATS = ("rel_xy", "xy")
# A point may lie outside of its image, as the corner of a face that is cut off; not by more than so much of the side.
OUTSIDE = 0.5
# How label files write a point that nobody marked. No true point is known to such precision at the very corner.
SENTINELS = ((-1.0, -1.0), (0.0, 0.0), (-99.0, -99.0), (-999.0, -999.0), (-9999.0, -9999.0), (-99999.0, -99999.0))


def point_numbers(value: Any) -> np.ndarray | None:
    """The numbers that a cell lists, `NaN` for those that are missing; `None` if the whole cell is missing.

    Raises:
        ValueError: If it lists anything else.
    """
    if not isinstance(value, list | tuple | np.ndarray) and (is_missing(value) or number_of(value) == -1):
        return None
    parts = value
    if isinstance(value, str):
        parts = value.split(";") if ";" in value else [part for part in re.split(r"[\s,()\[\]]+", value) if part]
    if isinstance(parts, list | tuple):
        flat = [part for pair in parts for part in (pair if isinstance(pair, list | tuple | np.ndarray) else [pair])]
        parts = [np.nan if is_missing(part) else part for part in flat]
    try:
        return np.asarray(parts, "float64").ravel()
    except TypeError as error:
        raise ValueError(str(error)) from None


def coordinates_in(labels: Iterable[Any]) -> int:
    """How many numbers every one of some labels lists with `;` between or in brackets: at least 2, or 0 if not all do."""
    counts: set[int] = set()
    for label in labels:
        listed = isinstance(label, list | tuple | np.ndarray) or (
            isinstance(label, str) and bool(re.search(r"[;\[(]", label))
        )
        try:
            numbers = point_numbers(label) if listed else np.empty(0)
        except ValueError:
            return 0
        counts.add(0 if numbers is None else len(numbers))
        if len(counts) > 1 or min(counts) < 2:
            return 0
    return counts.pop() if counts else 0


def known_points(points: np.ndarray) -> np.ndarray:
    """Points `(rows, points, 2)` with `NaN` for both coordinates of those that are missing."""
    missing = np.isnan(points).any(axis=-1)
    for sentinel in SENTINELS:
        missing |= (points == np.asarray(sentinel, points.dtype)).all(axis=-1)
    return np.where(missing[..., None], np.asarray(np.nan, points.dtype), points)


def check_units(points: np.ndarray, format: str) -> None:
    """Refuse pixels given as fractions of the image, and fractions given as pixels.

    Args:
        points: Points `(rows, points, 2)` as labels are written, `NaN` where missing.
        format: How they are meant.

    Raises:
        LabelError: If a fraction lies far outside of the image, or no pixel is beyond the first one of its image.
    """
    known = points[~np.isnan(points).any(axis=-1)]
    if format == "rel_xy":
        far = (points < -OUTSIDE) | (points > 1 + OUTSIDE)
        if far.any():
            row = int(np.argmax(far.any(axis=(1, 2))))
            raise LabelError(
                row,
                f'expected points from 0 to 1, shares of the image\'s sides (format "rel_xy"), received '
                f'{point_text(points[row][far[row].any(axis=-1)][0])}; for pixels say format="xy": '
                'mtl.LandmarkHead(..., format="xy"), or --heads NAME=landmarks:format=xy',
            )
    elif len(known):
        all_tiny = (np.abs(known) <= 1).all() and (known % 1 != 0).any()
        there = ~np.isnan(points).any(axis=-1)
        small = (np.abs(points) <= 1).all(axis=-1)
        # One point may lie within the first pixel, several of one image do not.
        rows = (
            (small | ~there).all(axis=1) & (there.sum(axis=1) > 1) & (np.nan_to_num(points) % 1 != 0).any(axis=(1, 2))
        )
        if all_tiny or rows.any():
            row = int(np.argmax(there.any(axis=1) if all_tiny else rows))
            which = "all of them lie" if all_tiny else "all of one image lie"
            raise LabelError(
                row,
                f'expected points in pixels (format "xy"), but {which} from 0 to 1, such as '
                f'{point_text(points[row][there[row]][0])}; for shares of the image\'s sides say format="rel_xy"',
            )


def check_inside(points: np.ndarray, sizes: np.ndarray) -> None:
    """Refuse pixels far outside of their images.

    Args:
        points: Points `(rows, points, 2)` in pixels, `NaN` where missing.
        sizes: Height and width of each row's image.

    Raises:
        LabelError: If one lies more than half of the side outside; it names the row and the image's size.
    """
    sides = sizes[:, None, ::-1]
    far = (points < -OUTSIDE * sides) | (points > (1 + OUTSIDE) * sides)
    if far.any():
        row = int(np.argmax(far.any(axis=(1, 2))))
        height, width = sizes[row]
        raise LabelError(
            row,
            f"expected points in the image of {width} x {height} pixels, or near it, received "
            f'{point_text(points[row][far[row].any(axis=-1)][0])} (format "xy"); empty the cell if nobody knows the point',
        )


def wrong_count(points: int, value: Any) -> str:
    """What is wrong with a cell that does not list so many points."""
    return f"expected {points} points, {2 * points} numbers, received {value_text(value)}"


def point_text(point: np.ndarray) -> str:
    """A point as a message shows it."""
    return ", ".join(f"{number:g}" for number in point)
