"""Heads that look: one learned query a head, which says how much each position of the feature map counts.

The mean over positions, `pooling="avg"`, gives a button as much weight as the wall behind it. Here each head learns a vector
with which the features of a position are multiplied; a softmax over positions makes weights of that, and the head gets the
weighted mean (attention pooling as in Ilse et al. 2018, https://arxiv.org/abs/1802.04712, without a hidden layer). The
query starts at zero, so that training begins with the plain mean. All layers are built into Keras, and go into every file.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from mtlzoo.keras_compat import input_tensors, producer

WEIGHTS = "_attention"
"""What the name of the layer with the weights of all positions ends with."""


def attend(feature_map: keras.KerasTensor, name: str, dropout: float = 0.0) -> keras.KerasTensor:
    """The features of one head.

    Args:
        feature_map: `(batch, height, width, channels)`.
        name: What the layers' names begin with, that of the head's output layer.
        dropout: The fraction of features dropped while training.

    Returns:
        `(batch, channels)`.
    """
    channels = feature_map.shape[-1]
    scores = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="zeros", name=f"{name}_attention_scores")
    row = layers.Reshape((1, -1), name=f"{name}_attention_row")(scores(feature_map))
    weights = layers.Softmax(dtype="float32", name=f"{name}{WEIGHTS}")(row)
    positions = layers.Reshape((-1, channels), name=f"{name}_attention_positions")(feature_map)
    mean = layers.Dot(axes=(2, 1), name=f"{name}_attention_mean")([weights, positions])
    features = layers.Reshape((channels,), name=f"{name}_attention_features")(mean)
    return layers.Dropout(dropout, name=f"{name}_attention_dropout")(features) if dropout else features


def attention_weights(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """The weights of all positions `(batch, 1, positions)`, for each head that has some."""
    found = {}
    for head, output in model.output.items():
        waiting = [output]
        while waiting:
            layer = producer(tensor := waiting.pop())
            if isinstance(layer, layers.Softmax) and layer.name.endswith(WEIGHTS):
                found[head] = tensor
                break
            if not isinstance(layer, keras.Model):
                waiting.extend(input_tensors(tensor))
    return found


def attention_maps(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Where each head looks.

    Args:
        model: The model.
        images: `(batch, height, width, channels)`, of the model's size.

    Returns:
        For each head with `pooling="attention"` its weights, float32 `(batch, rows, columns)`, which sum to 1 over the
        positions of the feature map.

    Raises:
        ValueError: If no head has any.

    Example:

    ```python
    from mtlzoo.models.attention import attention_maps

    looking = mtl.MobileNet({"collar": 3}, (64, 64, 3), weights=None, alpha=0.25, pooling="attention")
    attention_maps(looking, np.zeros((1, 64, 64, 3)))["collar"].shape  # (1, 2, 2)
    ```
    """
    found = attention_weights(model)
    if not found:
        raise ValueError(f'Expected a model with heads of pooling="attention", received: {model.name!r}, with none.')
    answers = keras.Model(model.input, found).predict_on_batch(images)
    return {head: np.asarray(values).reshape(-1, *positions(found[head])) for head, values in answers.items()}


def positions(weights: keras.KerasTensor) -> tuple[int, int]:
    """The rows and columns of the feature map that weights `(batch, 1, positions)` are of."""
    (row,) = input_tensors(weights)
    (scores,) = input_tensors(row)
    return tuple(scores.shape[1:3])
