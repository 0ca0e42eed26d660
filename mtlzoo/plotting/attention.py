"""Where heads look: a sheet of images with a column for each head."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlzoo.plotting import style

if TYPE_CHECKING:
    from mtlzoo.evaluation.running import Images
    from mtlzoo.models import MultiTaskModel

CELL, GAP, MARGIN, CAPTION = 1.5, 0.08, 0.2, 0.24  # inches: an image, between images, around the sheet, a line of text
FAINT = 0.25  # how bright what nobody looks at stays


def plot_attention(
    model: MultiTaskModel,
    images: Images,
    path: str | os.PathLike[str] | None = None,
    heads: Sequence[str] | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw images as each head with `pooling="attention"` weighs them: what it looks at is bright, all else dark.

    Args:
        model: The model, with such heads.
        images: As for `mtl.predict`; a row of the sheet each, so a few.
        path: Where to save the figure as PNG. Default: not saved.
        heads: Names of heads. Default: all that look for themselves.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`: images as the network sees them, and one column a head with its prediction.

    Raises:
        ValueError: If no head of the model looks for itself, or one of these does not.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import numpy as np

    network = mtl.MobileNet({"collar": 3}, (64, 64, 3), weights=None, alpha=0.25, pooling="attention")
    figure = mtl.plotting.plot_attention(network, np.zeros((2, 64, 64, 3), "uint8"))
    ```
    """
    from mtlzoo.evaluation.predictions import Predictions
    from mtlzoo.evaluation.running import load_inputs
    from mtlzoo.models.attention import attention_maps

    inputs = load_inputs(model, images)
    maps = attention_maps(model, inputs)
    names = list(maps) if heads is None else list(heads)
    if unknown := [name for name in names if name not in maps]:
        raise ValueError(
            f"Expected names of heads that look for themselves ({', '.join(maps)}), received: {', '.join(unknown)}."
        )
    answers = Predictions.from_model(model, inputs).to_frame()
    ratio = inputs.shape[1] / inputs.shape[2]
    height, step = CELL * ratio, CELL + GAP
    width = 2 * MARGIN + (len(names) + 1) * step - GAP
    figure = style.new_figure(width, 2 * MARGIN + CAPTION + len(inputs) * (height + CAPTION + GAP))
    canvas = style.add_canvas(figure)
    top = 2 * MARGIN + CAPTION + len(inputs) * (height + CAPTION + GAP) - MARGIN
    for column, name in enumerate(names, start=1):
        style.write(canvas, MARGIN + column * step, top - CAPTION / 2, style.shorten(name, CELL), weight="bold")
    for row, image in enumerate(inputs):
        bottom = top - CAPTION - (row + 1) * (height + CAPTION + GAP) + CAPTION + GAP
        pixels = np.clip(np.broadcast_to(image, (*image.shape[:2], 3)), 0, 255) / 255
        _draw(canvas, pixels, MARGIN, bottom, height)
        for column, name in enumerate(names, start=1):
            left = MARGIN + column * step
            _draw(canvas, pixels * _light(maps[name][row], image.shape[:2]), left, bottom, height)
            answer = style.shorten(_text(answers[name].iloc[row]), CELL, style.SMALL_SIZE)
            style.write(canvas, left, bottom - CAPTION / 2, answer, style.SMALL_SIZE, style.MUTED)
    return style.finish(figure, path, overwrite)


def _light(weights: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How bright each pixel is `(height, width, 1)`: full where the weight is highest."""
    large = cv2.resize(weights / weights.max(), size[::-1], interpolation=cv2.INTER_CUBIC)
    return FAINT + (1 - FAINT) * np.clip(large, 0, 1)[..., None]


def _draw(canvas: Axes, pixels: np.ndarray, left: float, bottom: float, height: float) -> None:
    limits = canvas.axis()
    canvas.imshow(pixels, extent=(left, left + CELL, bottom, bottom + height), aspect="auto", origin="upper")
    canvas.axis(limits)  # imshow has set them to the image's


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
