"""Where heads look: a sheet of images with a column for each head."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from mtlzoo.plotting.looks import draw_looks

if TYPE_CHECKING:
    from mtlzoo.evaluation.running import Images
    from mtlzoo.models import MultiTaskModel


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
    figure = mtl.plot_attention(network, np.zeros((2, 64, 64, 3), "uint8"))
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
    relative = {name: maps[name] / maps[name].max(axis=(1, 2), keepdims=True) for name in names}
    answers = Predictions.from_model(model, inputs).to_frame()
    return draw_looks(inputs, relative, answers, path, overwrite)
