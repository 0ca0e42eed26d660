"""The small network of Zhang et al. 2014, made for faces of 40 x 40 pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

# The pixels of a filter's edge and the number of filters, from the first convolution to the last.
CONVOLUTIONS = ((5, 16), (3, 48), (3, 64), (2, 64))
FEATURES = 100


def TCDCN(  # noqa: N802 - as the functions of keras.applications are named
    input_shape: tuple[int, int, int] = (40, 40, 3),
    activation: str = "relu",
    batch_normalization: bool = True,
    width: float = 1.0,
    name: str = "tcdcn",
) -> keras.Model:
    """The shared layers of the tasks-constrained deep convolutional network.

    Four convolutions without padding, max-pooling after the first three, and a dense layer whose output is what all
    heads share: at 40 pixels maps of 36, 16, 6 and 2 pixels, then a vector of 100 features.

    Where it differs from the paper: the paper's activation is the absolute value of the hyperbolic tangent, whose
    gradient vanishes for large inputs and flips its sign at zero; rectified linear units train faster and are what one
    would take now. The paper has no batch normalisation, which lets a network from random weights take larger steps.
    `activation="abs_tanh", batch_normalization=False` is the paper's.

    Args:
        input_shape: Height, width (at least 32 pixels) and channels: 1 for gray images, as in the paper, or 3.
        activation: The name of an activation of Keras, or `"abs_tanh"` for the paper's.
        batch_normalization: Whether to normalise before each activation.
        width: The factor of the number of filters and of features; 1 for the paper's.
        name: The name of the model.

    Returns:
        A functional model with random weights, from images `(batch, height, width, channels)` to features
        `(batch, round(100 * width))`.

    Raises:
        ValueError: If the height or the width is not given, since the dense layer needs to know the size of the last
            map, the activation is unknown, or the width leaves no filter.

    References:
        Zhang, Luo, Loy, Tang: Facial Landmark Detection by Deep Multi-task Learning. ECCV 2014; arXiv:1408.3967.

    Example:

    ```python
    model = mtl.TCDCN({"points": mtl.LandmarkHead(5), "smile": mtl.BinaryHead()}, input_shape=(40, 40, 1))
    ```
    """
    if None in input_shape:
        raise ValueError(
            f"Expected the height and the width of the images, which TCDCN's dense layer depends on, received: "
            f"input_shape={input_shape}. Say for example input_shape=(40, 40, {input_shape[-1]})."
        )
    if not width > 0 or round(CONVOLUTIONS[0][1] * width) < 1:
        raise ValueError(f"Expected a `width` that leaves one filter at least, such as 0.5, received: {width!r}.")
    if activation != "abs_tanh" and not _is_activation(activation):
        raise ValueError(
            f'Expected `activation` to be "abs_tanh" or the name of an activation of Keras, such as "relu", received: '
            f"{activation!r}."
        )

    def finish(x: Any, layer: str) -> Any:
        if batch_normalization:
            x = layers.BatchNormalization(name=f"{layer}_bn")(x)
        if activation != "abs_tanh":
            return layers.Activation(activation, name=f"{layer}_{activation}")(x)
        # Of layers that any file holds: Keras has no activation that is an absolute value.
        tanh = layers.Activation("tanh", name=f"{layer}_tanh")(x)
        negative = layers.Rescaling(-1.0, name=f"{layer}_negative")(tanh)
        return layers.Maximum(name=f"{layer}_abs_tanh")([tanh, negative])

    # === Functional Model ===
    x = images = keras.Input(input_shape)
    bias = not batch_normalization  # which has an offset of its own
    for number, (size, filters) in enumerate(CONVOLUTIONS, start=1):
        convolution = layers.Conv2D(round(filters * width), size, use_bias=bias, name=f"conv_{number}")
        x = finish(convolution(x), f"conv_{number}")
        if number < len(CONVOLUTIONS):
            x = layers.MaxPooling2D(2, name=f"pool_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    features = finish(layers.Dense(round(FEATURES * width), use_bias=bias, name="dense")(x), "dense")
    return keras.Model(images, features, name=name)


def _is_activation(name: Any) -> bool:
    try:
        return isinstance(name, str) and callable(keras.activations.get(name))
    except ValueError:
        return False
