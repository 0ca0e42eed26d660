"""A sheet of images that are bright where a head looks: what the plots of attention and of Grad-CAM share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlzoo.plotting import style

CELL, GAP, MARGIN, CAPTION = 1.5, 0.08, 0.2, 0.24  # inches: an image, between images, around the sheet, a line of text
LONGEST = 60  # letters, more than fit
FAINT = 0.25  # how bright what nobody looks at stays


@dataclass(frozen=True)
class Cell:
    """An image of the sheet.

    Attributes:
        image: `(height, width, 1 or 3)`, 0 to 255.
        look: Where the head looks, `(rows, columns)` from 0 to 1; `None` for the image as it is.
        caption: What stands below it.
        color: The caption's colour.
    """

    image: np.ndarray
    look: np.ndarray | None = None
    caption: str = ""
    color: str = style.MUTED


def draw_sheet(
    rows: Sequence[Sequence[Cell]],
    titles: Sequence[str] = (),
    names: Sequence[str] = (),
    path: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Figure:
    """Draw images of one size in rows.

    Args:
        rows: The images.
        titles: What stands above each column.
        names: What stands above each row.
        path: Where to save the figure as PNG.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The figure.
    """
    image = rows[0][0].image
    height, columns = CELL * image.shape[0] / image.shape[1], max(map(len, rows))
    above, step = CAPTION if names else 0.0, height + CAPTION + GAP
    total = 2 * MARGIN + (CAPTION if titles else 0.0) + len(rows) * (above + step)
    figure = style.new_figure(2 * MARGIN + columns * (CELL + GAP) - GAP, total)
    canvas = style.add_canvas(figure)
    top = total - MARGIN
    if titles:
        for column, title in enumerate(titles):
            _write(canvas, column, top, title, weight="bold")
        top -= CAPTION
    for number, cells in enumerate(rows):
        if names:
            style.write(canvas, MARGIN, top - CAPTION / 2, names[number], weight="bold")
            top -= CAPTION
        for column, cell in enumerate(cells):
            _draw(canvas, _pixels(cell), MARGIN + column * (CELL + GAP), top - height, height)
            _write(canvas, column, top - height, cell.caption, size=style.SMALL_SIZE, color=cell.color)
        top -= step
    return style.finish(figure, path, overwrite)


def draw_looks(
    images: np.ndarray,
    maps: Mapping[str, np.ndarray],
    answers: pd.DataFrame,
    path: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Figure:
    """Draw a row for each image: as it is, then as each head looks at it, with the head's prediction below.

    Args:
        images: `(rows, height, width, channels)`, 0 to 255.
        maps: For each head `(rows, ...)` from 0 to 1.
        answers: A column for each head, as `Predictions.to_frame` gives them.
        path: Where to save the figure as PNG.
        overwrite: Whether an existing file may be replaced.
    """
    rows = [
        [Cell(image), *(Cell(image, looks[row], as_text(answers[name].iloc[row])) for name, looks in maps.items())]
        for row, image in enumerate(images)
    ]
    return draw_sheet(rows, ["", *maps], path=path, overwrite=overwrite)


def as_text(value: object) -> str:
    """A prediction in a few letters."""
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _pixels(cell: Cell) -> np.ndarray:
    """The pixels to draw, `(height, width, 3)` from 0 to 1."""
    return brighten(cell.image, cell.look) / 255


def brighten(image: np.ndarray, look: np.ndarray | None) -> np.ndarray:
    """An image that is bright where a head looks and dark elsewhere.

    Args:
        image: `(height, width, 1 or 3)`, 0 to 255.
        look: Where the head looks, `(rows, columns)` from 0 to 1; `None` for the image as it is.

    Returns:
        `(height, width, 3)`, 0 to 255.
    """
    size = image.shape[:2]
    pixels = np.clip(np.broadcast_to(image, (*size, 3)), 0, 255)
    if look is None:
        return pixels
    large = cv2.resize(np.asarray(look, "float32"), size[::-1], interpolation=cv2.INTER_CUBIC)
    return pixels * (FAINT + (1 - FAINT) * np.clip(large, 0, 1)[..., None])


def _write(canvas: Axes, column: int, top: float, text: str, **how: Any) -> None:
    """Write a line as wide as a column."""
    if text:
        measured = {name: value for name, value in how.items() if name != "color"}
        short = style.shorten(text[:LONGEST], CELL, **measured)  # which measures it letter by letter
        style.write(canvas, MARGIN + column * (CELL + GAP), top - CAPTION / 2, short, **how)


def _draw(canvas: Axes, pixels: np.ndarray, left: float, bottom: float, height: float) -> None:
    limits = canvas.axis()
    canvas.imshow(pixels, extent=(left, left + CELL, bottom, bottom + height), aspect="auto", origin="upper")
    canvas.axis(limits)  # imshow has set them to the image's
