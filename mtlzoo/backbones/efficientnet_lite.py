"""EfficientNet-Lite 0 to 4: EfficientNet for phones, int8 and browsers, without squeeze-and-excitation and swish."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import keras
from keras import layers

MEAN, DEVIATION = 127.0, 128.0  # of pixels from 0 to 255
STEM, TOP = 32, 1280  # filters that are not scaled


class Blocks(NamedTuple):
    """Blocks of one stage of the network."""

    number: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    *(Blocks(1, 3, 1, 1, 16), Blocks(2, 3, 2, 6, 24), Blocks(2, 5, 2, 6, 40), Blocks(3, 3, 2, 6, 80)),
    *(Blocks(3, 5, 1, 6, 112), Blocks(4, 5, 2, 6, 192), Blocks(1, 3, 1, 6, 320)),
)
# The factors of width and depth.
FACTORS = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2), 3: (1.2, 1.4), 4: (1.4, 1.8)}

_convolution = partial(layers.Conv2D, use_bias=False, padding="same")


def _build(number: int, input_shape: tuple[int | None, int | None, int]) -> keras.Model:
    width, depth = FACTORS[number]
    images = keras.Input(input_shape)
    x = layers.Rescaling(1 / DEVIATION, -MEAN / DEVIATION, name="rescaling")(images)
    x = _normalized(_convolution(STEM, 3, strides=2, name="stem_conv")(x), "stem", activate=True)
    for place, stage in enumerate(STAGES):
        # The first and the last stage keep their number of blocks.
        ends = place in (0, len(STAGES) - 1)
        for block in range(stage.number if ends else math.ceil(depth * stage.number)):
            name = f"block{place + 1}{chr(ord('a') + block)}"
            x = _block(x, stage, _round_filters(stage.filters * width), stage.stride if block == 0 else 1, name)
    x = _normalized(_convolution(TOP, 1, name="top_conv")(x), "top", activate=True)
    return keras.Model(images, x, name=f"efficientnet-lite{number}")


def _block(x: Any, stage: Blocks, filters: int, stride: int, name: str) -> Any:
    """An inverted residual block: wider, one filter a channel, narrower."""
    inputs, channels = x, x.shape[-1]
    if stage.expansion > 1:
        x = _convolution(channels * stage.expansion, 1, name=f"{name}_expand_conv")(x)
        x = _normalized(x, f"{name}_expand", activate=True)
    depthwise = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_dwconv"
    )
    x = _normalized(depthwise(x), f"{name}_dw", activate=True)
    x = _normalized(_convolution(filters, 1, name=f"{name}_project_conv")(x), f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, inputs]) if stride == 1 and filters == channels else x


def _normalized(x: Any, name: str, activate: bool = False) -> Any:
    x = layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _round_filters(filters: float, divisor: int = 8) -> int:
    """The next multiple of eight, not more than a tenth below."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def EfficientNetLite0(input_shape: tuple[int | None, int | None, int] = (224, 224, 3)) -> keras.Model:  # noqa: N802 - as the functions of keras.applications are named
    """The smallest of the family, 4.6 million weights with its published top.

    EfficientNet (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excitation, with ReLU6 in place of swish, and with a
    stem and a top that do not grow: what int8 and the accelerators of phones do well. The filters, blocks and the scaling of
    pixels are those of https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.

    Args:
        input_shape: Height and width in pixels, `None` for any, and the number of channels.

    Returns:
        A functional model with random weights, from images `(batch, height, width, channels)` of 0 to 255, which it scales
        itself, to features `(batch, height / 32, width / 32, 1280)`. :mod:`mtlzoo.backbones.published_lite` has weights.

    Example:

    ```python
    model = mtl.EfficientNetLite0({"kind": 3}, (96, 96, 3), weights=None)
    ```
    """
    return _build(0, input_shape)


def EfficientNetLite1(input_shape: tuple[int | None, int | None, int] = (240, 240, 3)) -> keras.Model:  # noqa: N802
    """The second of the family, see :func:`EfficientNetLite0`; made for images of 240 pixels."""
    return _build(1, input_shape)


def EfficientNetLite2(input_shape: tuple[int | None, int | None, int] = (260, 260, 3)) -> keras.Model:  # noqa: N802
    """The third of the family, see :func:`EfficientNetLite0`; made for images of 260 pixels."""
    return _build(2, input_shape)


def EfficientNetLite3(input_shape: tuple[int | None, int | None, int] = (280, 280, 3)) -> keras.Model:  # noqa: N802
    """The fourth of the family, see :func:`EfficientNetLite0`; made for images of 280 pixels."""
    return _build(3, input_shape)


def EfficientNetLite4(input_shape: tuple[int | None, int | None, int] = (300, 300, 3)) -> keras.Model:  # noqa: N802
    """The largest of the family, see :func:`EfficientNetLite0`; made for images of 300 pixels."""
    return _build(4, input_shape)
