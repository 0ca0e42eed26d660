"""Why a model said so: where in an image its heads look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlzoo.evaluation.running import Images, load_inputs
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.attention import attention_maps, attention_weights
from mtlzoo.models.gradcam import gradcam_maps
from mtlzoo.models.multitask import check_model


def gradcam(model: MultiTaskModel, images: Images, head: str) -> np.ndarray:
    """What in each image speaks for the prediction of a head, by its gradients (Grad-CAM, Selvaraju et al. 2017).

    It works for every head of every model whose backbone ends in a feature map, on TensorFlow, JAX and torch. What is
    explained is the head's :meth:`mtlzoo.Head.evidence`: the logit of the predicted class, of the given tags or of the
    surest object; for levels and numbers their size, so that the map shows what makes them high; for points and boxes how
    far they are from the middle.

    Args:
        model: The model.
        images: As for :func:`mtlzoo.predict`; all are held in memory, so a few.
        head: The name of a head.

    Returns:
        Float32 `(images, rows, columns)`, as many as the feature map has: 1 where most speaks for the prediction, 0 where
        nothing does. `cv2.resize(maps[0], (width, height))` brings one to the size of the image.

    Raises:
        TypeError: If the model has no heads.
        ValueError: If there is no such head.
        InputError: If the model has no feature map.
        NotImplementedError: If Keras' backend computes no gradients, as that of numpy.

    Example:

    ```python
    maps = mtl.evaluation.gradcam(model, valid, "age")  # (images, 1, 1)
    ```
    """
    check_model(model)
    check_heads(model, [head])
    return gradcam_maps(model, load_inputs(model, images), [head])[head]


def looks(model: MultiTaskModel, images: np.ndarray, heads: Sequence[str]) -> dict[str, np.ndarray]:
    """Where heads look: the attention of those that have some, Grad-CAM of all others.

    Args:
        model: The model.
        images: `(batch, height, width, channels)`, of the model's size.
        heads: Names of heads.

    Returns:
        For each head float32 `(batch, rows, columns)`, from 0 to 1.

    Raises:
        InputError: If the model has no feature map.
    """
    attending = [name for name in attention_weights(model) if name in heads]
    maps = gradcam_maps(model, images, [name for name in heads if name not in attending])
    if attending:
        found = attention_maps(model, images)
        maps |= {name: found[name] / found[name].max(axis=(1, 2), keepdims=True) for name in attending}
    return {name: maps[name] for name in heads}


def check_heads(model: MultiTaskModel, heads: Sequence[str]) -> None:
    """Refuse names that are none of a model's heads.

    Raises:
        ValueError: If there is one.
    """
    if unknown := [name for name in heads if name not in model.heads]:
        raise ValueError(
            f"Expected names of heads ({', '.join(model.heads)}), received: {', '.join(map(str, unknown))}."
        )
