"""A network to learn from random weights, for drawn images."""

from __future__ import annotations

import keras
from keras import layers


def small_network(pixels: int, channels: tuple[int, ...] = (32, 64, 128)) -> keras.Model:
    """A residual network small enough to learn from scratch in minutes.

    Args:
        pixels: Height and width of its images.
        channels: The channels of its blocks, each of which halves height and width.

    Returns:
        A functional model from `(batch, pixels, pixels, 3)` to a feature map.
    """

    def convolve(x: keras.KerasTensor, filters: int, size: int, strides: int = 1) -> keras.KerasTensor:
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        # Keras' own momentum of 0.99 takes longer than this training to forget its start.
        return layers.BatchNormalization(momentum=0.9)(x)

    images = keras.Input((pixels, pixels, 3))
    x = layers.ReLU()(convolve(images, 24, 5, strides=2))
    for filters in channels:
        shortcut = layers.ReLU()(convolve(x, filters, 3, strides=2))
        x = layers.ReLU()(layers.Add()([shortcut, convolve(shortcut, filters, 3)]))
    return keras.Model(images, x, name="small_residual_network")
