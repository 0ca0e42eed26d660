"""Batch normalisation whose moving statistics keep up with weights that are fine-tuned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from mtlzoo.keras_compat import flatten_layers

# What trained for a hundred thousand steps on ImageNet has a momentum to match: 0.999 in Keras' MobileNetV2 and
# MobileNetV3, 0.9997 in NASNet. Statistics then lag thousands of steps behind. With 0.9 they follow within some twenty
# steps, and still average over hundreds of images.
MOMENTUM = 0.9
# The fraction of an old statistic that may be left after an epoch.
LEFT = 0.01


def fitting_momentum(steps: int) -> float:
    """The largest useful momentum of batch normalisation for epochs of so many steps.

    Args:
        steps: Steps an epoch, at least 1.

    Returns:
        At most 0.9; less where an epoch of fewer than 44 steps would otherwise end with old statistics.

    Example:

    ```python
    fitting_momentum(200)  # 0.9
    fitting_momentum(5)  # 0.40
    ```
    """
    return min(MOMENTUM, LEFT ** (1 / max(steps, 1)))


def normalization_layers(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch normalisation of a model and of all that is nested in it."""
    return [layer for layer in flatten_layers(model) if isinstance(layer, keras.layers.BatchNormalization)]


def limit_momentum(model: keras.Model, momentum: float = MOMENTUM) -> None:
    """Lower the momentum of a model's batch normalisation where it is higher; compile afterwards.

    Args:
        model: The model; its layers are changed, also where other models share them.
        momentum: The highest momentum, in `[0, 1)`.
    """
    for layer in normalization_layers(model):
        layer.momentum = min(layer.momentum, momentum)


@contextmanager
def keeping_up(model: keras.Model, steps: int) -> Iterator[None]:
    """Lower the momentum of a model's batch normalisation to what epochs of so many steps need, and raise it again.

    Args:
        model: The model, whose training step is not compiled yet.
        steps: Steps an epoch.
    """
    # Frozen ones stay as they are, since cached features are known by all that their network is made of.
    before = [(layer, layer.momentum) for layer in normalization_layers(model) if layer.trainable]
    for layer, momentum in before:
        layer.momentum = min(momentum, fitting_momentum(steps))
    try:
        yield
    finally:
        for layer, momentum in before:
            layer.momentum = momentum
