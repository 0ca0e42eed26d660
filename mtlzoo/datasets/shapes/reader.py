"""Tables of shapes and their boxes: one row an object."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.columns import IMAGE
from mtlzoo.data.table import LabelTable
from mtlzoo.data.tabular import read_csv
from mtlzoo.errors import TableError
from mtlzoo.files.regular import open_regular, require_file
from mtlzoo.heads import BinaryHead, BoxHead, DetectionHead, Head
from mtlzoo.images.decoding import image_dimensions
from mtlzoo.images.png import SIGNATURE
from mtlzoo.images.source import ImageSource

SHAPES = ("triangle", "rectangle")
"""The classes in the order of their ids, which is the TensorFlow.js book's."""

FILES = {"train": "train.csv", "test": "test.csv"}
# As many objects as the drawings have at most, and some to spare.
MOST_OBJECTS = 8
SIDES = ("x_min", "y_min", "x_max", "y_max")
COLUMNS = (IMAGE, "shape", *SIDES)
# Boxes are written with a few decimals; by so many pixels rounding may bring one over the edge of its image.
TOLERANCE = 0.01


def read_shapes(directory: str | Path, part: str = "train", several: bool | None = None) -> LabelTable:
    """Read images of triangles and rectangles and their boxes, as :func:`make_shapes` writes them.

    The files `train.csv` and `test.csv` have the columns `image,shape,x_min,y_min,x_max,y_max`: a path relative to the
    folder, `triangle` or `rectangle`, and the box in pixels from edge to edge, so that 0, 0, width, height is the whole
    image. An empty shape or box is missing. Where several objects can be in an image, its rows are its objects, and a
    row with nothing but the image means that there is none.

    Args:
        directory: The folder that holds the files, and that the paths are relative to.
        part: `"train"` or `"test"`.
        several: Whether there can be several objects in an image; by default so if an image stands in more than one row
            of either file.

    Returns:
        A table with one row an image. With one object in each it has the heads `shape` (binary) and `box`
        (`format="xyxy"`), and a column `object` with both in one, for a single output of five numbers: the id of the
        shape, 0 or 1, and the box. With several objects it has a column `objects`, a tuple of (shape, x_min, y_min, x_max,
        y_max) for each image, and the head `objects` (detection).

    Raises:
        FileNotFoundError: If the folder or its file does not exist.
        ValueError: If `part` is invalid.
        TableError: If columns are missing, or a row has an unknown shape, a box without a width or a height above 0, or one
            that is not wholly inside its image; it names the line. Images that cannot be read are found later.

    Example:

    ```python
    table = mtl.data.read_shapes("shapes/")
    table.frame["box"].iloc[0]  # (12.125, 80.5, 77.031, 162.25)
    ```
    """
    if part not in FILES:
        raise ValueError(f"Expected `part` to be one of {', '.join(FILES)}, received: {part!r}.")
    directory = Path(directory)
    path = directory / FILES[part]
    require_file(path, "label file")
    rows = _read(path)
    if not len(rows):
        raise TableError(f"{path.name}: no rows.")
    if several is None:
        # One part by itself may happen to have one object in each image.
        others = [directory / name for name in FILES.values() if name != path.name and (directory / name).is_file()]
        several = any(frame[IMAGE].duplicated().any() for frame in [rows, *map(_read, others)])
    boxes = _boxes(rows, path.name)
    _check_shapes(rows, path.name)
    _check_inside(rows, boxes, directory, path.name)
    frame = _several(rows, boxes, path.name) if several else _single(rows, boxes, path.name)
    return LabelTable(frame, shape_heads(several), root=directory, source=path.name, first_line=2)


def shape_heads(several: bool = False) -> dict[str, Head]:
    """New heads for images with one object each, or with several."""
    if several:
        return {"objects": DetectionHead(SHAPES, format="xyxy", max_objects=MOST_OBJECTS)}
    return {"shape": BinaryHead(SHAPES), "box": BoxHead(format="xyxy")}


def shape_cells(shape: str | None, box: Sequence[float] | None) -> dict[str, str | tuple[Any, ...] | None]:
    """What an image with one object has in the columns `shape`, `box` and `object`."""
    box = None if box is None else tuple(box)
    both = None if shape is None or box is None else (SHAPES.index(shape), *box)
    return {"shape": shape, "box": box, "object": both}


def object_cells(shapes: Sequence[str], boxes: Sequence[Sequence[float]]) -> dict[str, tuple[Any, ...]]:
    """What an image with several objects has in the column `objects`."""
    return {"objects": tuple((shape, *box) for shape, box in zip(shapes, boxes))}


def cells_frame(
    cells: Sequence[Mapping[str, str | tuple[Any, ...] | None]], index: Sequence[int] | None = None
) -> pd.DataFrame:
    """The columns of some images' cells."""
    frame = pd.DataFrame({name: pd.Series([cell[name] for cell in cells], index, dtype=object) for name in cells[0]})
    if "shape" in frame:
        frame["shape"] = frame["shape"].astype(pd.CategoricalDtype(list(SHAPES)))
    return frame


def _read(path: Path) -> pd.DataFrame:
    """The file's cells as texts, `None` where empty, under the indices of their lines."""
    frame = read_csv(path, heads={}).frame
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise TableError(
            f"{path.name}: no column {missing[0]!r}, expected the columns {', '.join(COLUMNS)}, received: "
            f"{', '.join(frame)}."
        )
    frame = frame[list(COLUMNS)].astype(object)
    return frame.where(frame.notna(), None)


def _check_shapes(rows: pd.DataFrame, source: str) -> None:
    unknown = rows["shape"].notna() & ~rows["shape"].isin(SHAPES)
    if unknown.any():
        line = unknown.idxmax()
        raise TableError(
            f"{_where(rows, line, source)}: unknown shape {rows['shape'][line]!r}, expected one of: {', '.join(SHAPES)}."
        )


def _boxes(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """The boxes as numbers, `NaN` where a row has none."""
    texts = rows[list(SIDES)]
    boxes = texts.apply(pd.to_numeric, errors="coerce").astype("float64")
    wrong = ~np.isfinite(boxes).all(axis=1) & texts.notna().any(axis=1)
    if wrong.any():
        line = wrong.idxmax()
        side = next(side for side in SIDES if not np.isfinite(boxes[side][line]))
        raise TableError(
            f"{_where(rows, line, source)}: {side}: expected a finite number, received "
            f"{texts[side][line] or 'an empty cell'!r}."
        )
    for low, high in (("x_min", "x_max"), ("y_min", "y_max")):
        wrong = boxes[low] >= boxes[high]
        if wrong.any():
            line = wrong.idxmax()
            raise TableError(
                f"{_where(rows, line, source)}: expected a box with {low} below {high}, received: {low} "
                f"{boxes[low][line]:g}, {high} {boxes[high][line]:g}."
            )
    return boxes


def _check_inside(rows: pd.DataFrame, boxes: pd.DataFrame, directory: Path, source: str) -> None:
    sizes = {image: _size(directory / image) for image in rows.loc[boxes["x_min"].notna(), IMAGE].unique()}
    nowhere = (np.inf, np.inf)
    limits = np.array([sizes.get(image) or nowhere for image in rows[IMAGE]]).reshape(-1, 2) + TOLERANCE
    outside = (boxes[["x_min", "y_min"]] < -TOLERANCE).any(axis=1) | (boxes["x_max"] > limits[:, 1])
    outside |= boxes["y_max"] > limits[:, 0]
    if outside.any():
        line = outside.idxmax()
        size = sizes[rows[IMAGE][line]]
        image = "its image" if size is None else f"its image of {size[1]} x {size[0]} pixels"
        raise TableError(
            f"{_where(rows, line, source)}: expected a box inside {image}, received: "
            f"{', '.join(f'{side} {boxes[side][line]:g}' for side in SIDES)}."
        )


def _size(path: Path) -> tuple[int, int] | None:
    """Height and width of an image; `None` if it cannot be read."""
    try:
        with open_regular(path) as file:
            start = file.read(24)
        if start.startswith(SIGNATURE) and len(start) == 24:
            # Their place in a PNG file is fixed, so that a folder of drawn scenes need not be decoded.
            width, height = struct.unpack(">II", start[16:])
            return height, width
        return image_dimensions(ImageSource(path))
    except (OSError, ValueError):
        return None


def _single(rows: pd.DataFrame, boxes: pd.DataFrame, source: str) -> pd.DataFrame:
    twice = rows[IMAGE].duplicated()
    if twice.any():
        line = twice.idxmax()
        raise TableError(
            f"{_where(rows, line, source)}: more than one row for this image, expected one object an image; read images "
            "with several objects with several=True."
        )
    known = boxes["x_min"].notna()
    cells = [
        shape_cells(shape, box if labelled else None)
        for shape, box, labelled in zip(rows["shape"], boxes.to_numpy().tolist(), known)
    ]
    return pd.concat([rows[[IMAGE]], cells_frame(cells, rows.index)], axis=1)


def _several(rows: pd.DataFrame, boxes: pd.DataFrame, source: str) -> pd.DataFrame:
    """One row an image, under the index of its first line."""
    shaped, boxed = rows["shape"].notna(), boxes["x_min"].notna()
    if (shaped != boxed).any():
        line = (shaped != boxed).idxmax()
        raise TableError(
            f"{_where(rows, line, source)}: expected a shape and a box, or neither for an image without objects, received "
            f"only the {'shape' if shaped[line] else 'box'}."
        )
    objects: dict[str, list[tuple[str, list[float]]]] = {image: [] for image in rows[IMAGE]}
    for image, shape, box in zip(rows[IMAGE], rows["shape"], boxes.to_numpy().tolist()):
        if shape is not None:
            objects[image].append((shape, box))
    first = rows[[IMAGE]].drop_duplicates()
    cells = [object_cells([shape for shape, _ in found], [box for _, box in found]) for found in objects.values()]
    return pd.concat([first, cells_frame(cells, first.index)], axis=1)


def _where(rows: pd.DataFrame, line: int, source: str) -> str:
    return f"{source}, line {line + 2} ({rows[IMAGE][line]})"
