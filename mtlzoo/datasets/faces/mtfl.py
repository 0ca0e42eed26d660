"""The layout of the MTFL data set: faces with five points and four tags."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.data.folders import SUFFIXES
from mtlzoo.data.notes import name_unreadable
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.files.regular import require_file
from mtlzoo.heads import BinaryHead, ClassificationHead, LandmarkHead

FILES = {"train": "training.txt", "test": "testing.txt"}
POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
# What the files write as 1, 2 and so on.
TAGS = {
    "gender": ("male", "female"),
    "smile": ("yes", "no"),
    "glasses": ("yes", "no"),
    "pose": ("left profile", "left", "frontal", "right", "right profile"),
}
FIELDS = (*(f"x of {point}" for point in POINTS), *(f"y of {point}" for point in POINTS), *TAGS)

# Where the mean of the five points lies in the test images, as a fraction of the width.
CENTRE = (0.496, 0.494)
# The longer extent of the five points over the root of the sum of their squared distances from their mean, on average.
EXTENT = 0.83


def read_mtfl(
    directory: str | Path, part: str = "train", span: float | None = 0.355, jitter: float = 0.08, seed: int = 0
) -> LabelTable:
    """Read the MTFL layout (Zhang, Luo, Loy and Tang 2014): lines `path x1 ... x5 y1 ... y5 gender smile glasses pose`.

    The points are left eye, right eye, nose, left and right corner of the mouth, in pixels, left being left in the
    image. Gender is 1 male, 2 female; smile and glasses 1 yes, 2 no; pose 1 left profile, 2 left, 3 frontal, 4 right,
    5 right profile; any other number is missing. Paths may have backslashes, and blanks before or in them.

    The training images show whole heads, the test images are cut out tightly around the face. So that both parts
    look alike in input space, each training row gets a square region around its face, cut out as the test images are:

    - The points lie around their mean, and the mean at (0.496, 0.494) of the region.
    - The region's side is in proportion to the root of the sum of the points' squared distances from their mean. Of the
      measures of a face it is the one that varies least in the test images (in 108 of them by 7 %; the longer extent of
      the points by 11 %, the extent in x by 13 %), as it does not change when a face is tilted, and little when it turns.
    - The region is then moved and scaled a little, each row always in the same way. Without it validation rows from the
      training part would be easier than the test, where the mean of the points varies by 0.045 of the width, as it does
      with the default jitter.

    Points are in pixels of the whole image with or without regions, whatever its shape: nothing is to be divided by
    the width or the height.

    Args:
        directory: The folder that holds `training.txt` and `testing.txt`, and that the paths are relative to.
        part: `"train"` or `"test"`.
        span: The points' extent in x or in y, whichever is longer, as a fraction of the region's side, on average over the
            faces; in the test images 0.355. With `None` there are no regions; the test part never has any.
        jitter: How far regions are moved at most, as a fraction of their side, in x and in y, and how much they are scaled,
            from `1 - jitter` to `1 + jitter`; evenly distributed.
        seed: The same seed moves and scales the same way.

    Returns:
        A table with the heads `landmarks` (five points), `gender`, `smile`, `glasses` (binary) and `pose` (softmax). In
        the frame `landmarks` is a tuple of (x, y) pairs, and `region` `(x_min, y_min, x_max, y_max)` in pixels, which
        may reach beyond the image; `None`, for the whole, where all points are the same.

    Raises:
        FileNotFoundError: If the folder or its file does not exist.
        ValueError: If an argument is wrong.
        TableError: If a line has another number of fields, or something that is no number; it names the line.

    Example:

    ```python
    train, test = mtl.data.read_mtfl("MTFL/"), mtl.data.read_mtfl("MTFL/", part="test")
    ```
    """
    if part not in FILES:
        raise ValueError(f"Expected `part` to be one of {', '.join(FILES)}, received: {part!r}.")
    if span is not None and not 0 < span < math.inf:
        raise ValueError(f"Expected `span` to be None or a fraction of the width above 0, received: {span!r}.")
    if not 0 <= jitter < 1:
        raise ValueError(f"Expected `jitter` in [0, 1), received: {jitter!r}.")
    path = Path(directory, FILES[part])
    require_file(path, "label file")
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name}: not a text in UTF-8: {error}.") from None
    rows = {index: _row(line, f"{path.name}, line {index + 1}") for index, line in enumerate(lines) if line.strip()}
    if not rows:
        raise TableError(f"{path.name}: no lines.")
    numbers = np.array([numbers for _, numbers in rows.values()])
    points = np.stack([numbers[:, :5], numbers[:, 5:10]], axis=-1)
    frame = pd.DataFrame({IMAGE: [image for image, _ in rows.values()]}, index=list(rows))
    frame["landmarks"] = _column([tuple(map(tuple, face)) for face in points.tolist()], frame.index)
    for place, (tag, names) in enumerate(TAGS.items(), start=10):
        labels = pd.Series(numbers[:, place], frame.index).map(dict(enumerate(names, start=1)))
        frame[tag] = labels.astype(pd.CategoricalDtype(list(names)))
    if part == "train" and span is not None:
        frame[REGION] = _column(_regions(points, span, jitter, seed), frame.index)
    heads = {
        "landmarks": LandmarkHead(POINTS, format="xy"),
        "gender": BinaryHead(TAGS["gender"]),
        "smile": BinaryHead(),
        "glasses": BinaryHead(),
        "pose": ClassificationHead(TAGS["pose"], flip_pairs=[["left profile", "right profile"], ["left", "right"]]),
    }
    notes = tuple(name_unreadable(frame, TAGS, "face"))
    return LabelTable(frame, heads, root=Path(directory), source=path.name, first_line=1, notes=notes)


def _row(line: str, where: str) -> tuple[str, list[float]]:
    """The path and the numbers of a line."""
    image, *fields = line.strip().rsplit(maxsplit=len(FIELDS))
    image = image.replace("\\", "/")
    if len(fields) < len(FIELDS) or Path(image).suffix.lower() not in SUFFIXES:
        raise TableError(
            f"{where}: expected the path of an image and {len(FIELDS)} numbers, received {len(line.split())} fields: "
            f"{line.strip()[:200]!r}."
        )
    numbers = []
    for name, field in zip(FIELDS, fields):
        try:
            numbers.append(float(field))
        except ValueError:
            raise TableError(f"{where} ({image}): {name}: expected a number, received {field!r}.") from None
        if name not in TAGS and not math.isfinite(numbers[-1]):
            raise TableError(f"{where} ({image}): {name}: expected a finite number, received {field!r}.")
    return image, numbers


def _regions(
    points: np.ndarray, span: float, jitter: float, seed: int
) -> list[tuple[float, float, float, float] | None]:
    """The region of each face, given its points `(faces, points, 2)`."""
    means = points.mean(axis=1)
    sides = EXTENT / span * np.linalg.norm(points - means[:, None], axis=(1, 2))
    # Drawn row by row, so that a row's numbers do not depend on how many rows follow.
    jitters = jitter * np.random.default_rng(seed).uniform(-1, 1, (len(points), 3))
    sides = sides * (1 + jitters[:, 2])
    corners = means + (jitters[:, :2] - CENTRE) * sides[:, None]
    regions = np.column_stack([corners, corners + sides[:, None]]).tolist()
    return [tuple(region) if side > 0 else None for region, side in zip(regions, sides)]


def _column(cells: list[Any], index: pd.Index) -> pd.Series:
    return pd.Series(cells, index, dtype=object)
