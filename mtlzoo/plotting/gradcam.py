"""What speaks for each prediction: a sheet of images with a column for each head."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from mtlzoo.plotting.looks import draw_looks

if TYPE_CHECKING:
    from mtlzoo.evaluation.running import Images
    from mtlzoo.models import MultiTaskModel


def plot_gradcam(
    model: MultiTaskModel,
    images: Images,
    path: str | os.PathLike[str] | None = None,
    heads: Sequence[str] | None = None,
    *,
    overwrite: bool = False,
) -> Figure:
    """Draw images as :func:`mtlzoo.evaluation.gradcam` explains them: what speaks for a prediction is bright, all else dark.

    Args:
        model: The model, of any heads.
        images: As for `mtl.predict`; a row of the sheet each, so a few.
        path: Where to save the figure as PNG. Default: not saved.
        heads: Names of heads. Default: all.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`: images as the network sees them, and one column a head with its prediction.

    Raises:
        TypeError: If the model has no heads.
        ValueError: If one of these is none of its heads.
        InputError: If the model has no feature map.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import numpy as np

    network = mtl.MobileNet({"collar": 3}, (64, 64, 3), weights=None, alpha=0.25)
    figure = mtl.plot_gradcam(network, np.zeros((2, 64, 64, 3), "uint8"))
    ```
    """
    from mtlzoo.evaluation.explaining import check_heads
    from mtlzoo.evaluation.predictions import Predictions
    from mtlzoo.evaluation.running import load_inputs
    from mtlzoo.models.gradcam import gradcam_maps
    from mtlzoo.models.multitask import check_model

    check_model(model)
    names = list(model.heads) if heads is None else list(heads)
    check_heads(model, names)
    inputs = load_inputs(model, images)
    maps = gradcam_maps(model, inputs, names)
    return draw_looks(inputs, maps, Predictions.from_model(model, inputs).to_frame(), path, overwrite)
