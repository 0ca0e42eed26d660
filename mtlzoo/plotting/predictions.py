"""A sheet of images with what was predicted for them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mtlzoo.plotting import style
from mtlzoo.plotting.annotations import Annotation, draw_annotations, draw_legend, legend_height, legend_lines

Line = tuple[str, bool | None]
VERDICTS = {True: ("✓", style.RIGHT), False: ("✗", style.WRONG), None: ("", style.UNKNOWN)}
CELL, GAP, MARGIN = 2.4, 0.2, 0.2  # inches: the square an image is fitted into, between squares, around the sheet
LINE_HEIGHT, SYMBOL_WIDTH = 0.185, 0.17


def plot_predictions(
    images: Sequence[np.ndarray],
    captions: Sequence[Sequence[Line]],
    correct: Sequence[bool | None] | None = None,
    path: str | os.PathLike[str] | None = None,
    columns: int = 4,
    annotations: Sequence[Sequence[Annotation]] | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw images in a grid, each with lines of text below it: right green, wrong red, unknown gray.

    Args:
        images: Arrays of shape `(height, width, 3)`, `(height, width, 1)` or `(height, width)`, values from 0 to 255
            (`uint8` or float). Sizes may differ.
        captions: For each image its lines, pairs of the text and whether it is right (`None`: not known).
        correct: For each image whether it is right as a whole, shown by the colour of its frame. Default: no frames.
        path: Where to save the figure as PNG. Default: not saved.
        columns: Images side by side, at most.
        annotations: For each image the points and boxes to be drawn on it, in its own pixels; see :class:`Annotation`. A
            legend below the images explains them. Default: none.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ValueError: There are no images, an image has another shape, or the lengths differ.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import numpy as np

    from mtlzoo.plotting import plot_predictions

    images = [np.full((40, 30, 3), 200, "uint8"), np.zeros((30, 50), "uint8")]
    figure = plot_predictions(images, [[("age: 31", True), ("gender: male", False)], [("age: 64", None)]])
    ```
    """
    verdicts = [None] * len(images) if correct is None else list(correct)
    annotations = [()] * len(images) if annotations is None else list(annotations)
    if not len(images) or not len(images) == len(captions) == len(verdicts) == len(annotations):
        raise ValueError(
            "Expected one caption (and one entry of `correct` and of `annotations`, where they are given) for each of at "
            f"least one image, received: {len(images)} images, {len(captions)} captions, {len(verdicts)} entries of "
            f"`correct`, {len(annotations)} of `annotations`."
        )
    arrays = [_image(image, index) for index, image in enumerate(images)]
    # === Layout, in inches ===
    columns = min(columns, len(arrays))
    wrapped = [_wrap(lines) for lines in captions]
    rows = [range(start, min(start + columns, len(arrays))) for start in range(0, len(arrays), columns)]
    # A row of wide images only is as high as the highest of them.
    image_heights = [max(_fitted(arrays[index])[1] for index in row) for row in rows]
    text_heights = [max(len(wrapped[index]) for index in row) * LINE_HEIGHT + 0.1 for row in rows]
    inner_width = columns * CELL + (columns - 1) * GAP
    legend = legend_lines((annotation for drawn in annotations for annotation in drawn), inner_width)
    height = sum(image_heights) + sum(text_heights) + GAP * (len(rows) - 1) + 2 * MARGIN + legend_height(legend)

    # === Drawing ===
    figure = style.new_figure(inner_width + 2 * MARGIN, height)
    canvas = style.add_canvas(figure)
    top = height - MARGIN
    for row, image_height, text_height in zip(rows, image_heights, text_heights, strict=True):
        for column, index in enumerate(row):
            left = MARGIN + column * (CELL + GAP)
            frame = _draw_image(canvas, arrays[index], left, top - image_height, verdicts[index], correct is not None)
            draw_annotations(canvas, annotations[index], frame, arrays[index].shape[:2])
            for number, (text, verdict, first) in enumerate(wrapped[index]):
                symbol, color = VERDICTS[verdict]
                y = top - image_height - 0.1 - (number + 0.5) * LINE_HEIGHT
                style.write(canvas, left + SYMBOL_WIDTH, y, text, color=color)
                if first and symbol:
                    style.write(canvas, left, y, symbol, color=color)
        top -= image_height + text_height + GAP
    draw_legend(canvas, legend, MARGIN, MARGIN + legend_height(legend))
    return style.finish(figure, path, overwrite)


def _image(image: np.ndarray, index: int) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise ValueError(
            f"Expected image {index} with shape (height, width, 3), (height, width, 1) or (height, width), "
            f"received: {np.shape(image)}."
        )
    image = np.clip(np.nan_to_num(image), 0, 255).astype("uint8")
    return np.broadcast_to(image, (*image.shape[:2], 3))


def _fitted(image: np.ndarray) -> tuple[float, float]:
    """Return the width and height at which an image just fits into the square cell."""
    scale = CELL / max(image.shape[:2])
    return image.shape[1] * scale, image.shape[0] * scale


def _wrap(lines: Sequence[Line]) -> list[tuple[str, bool | None, bool]]:
    """Break lines that are too wide; the last entry says whether a piece is its line's first."""
    wrapped = []
    for text, verdict in lines:
        verdict = None if verdict is None else bool(verdict)
        pieces = style.wrap(text, CELL - SYMBOL_WIDTH)
        wrapped += [(piece, verdict, number == 0) for number, piece in enumerate(pieces)]
    return wrapped


def _draw_image(
    canvas: Axes, image: np.ndarray, left: float, bottom: float, verdict: bool | None, framed: bool
) -> Rectangle:
    width, height = _fitted(image)
    limits = canvas.axis()
    canvas.imshow(image, extent=(left, left + width, bottom, bottom + height), aspect="auto", origin="upper")
    canvas.axis(limits)  # imshow has set them to the image's
    color = VERDICTS[None if verdict is None else bool(verdict)][1]
    color, thickness = (color, 2.5) if framed else (style.LINE, 0.6)
    frame = Rectangle(
        (left, bottom), width, height, facecolor="none", joinstyle="miter", edgecolor=color, linewidth=thickness
    )
    canvas.add_patch(frame)
    return frame
