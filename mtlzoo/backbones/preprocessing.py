"""What a backbone expects of its input pixels, as built-in layers without weights that any Keras file can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import keras

from mtlzoo.backbones.registry import Preprocessing
from mtlzoo.backbones.scaling import Scaling

# ImageNet's pixels: mean and standard deviation of red, green and blue on a scale of 0 to 1, and the mean from 0 to 255
# that the Caffe models were trained with. These are the constants of `keras.applications.imagenet_utils`.
TORCH_MEAN = (0.485, 0.456, 0.406)
TORCH_DEVIATION = (0.229, 0.224, 0.225)
CAFFE_MEAN = (123.68, 116.779, 103.939)


def preprocess(
    images: keras.KerasTensor, mode: Preprocessing | Scaling, name: str = "preprocessing"
) -> keras.KerasTensor:
    """Scales images from 0 to 255 as `keras.applications` does for a family of backbones.

    The same numbers as `preprocess_input` of that family, but made of built-in layers (raw operations and `Lambda` do
    not survive an `.h5` file) and without weights (nothing to train by accident). Computed in float32 whatever the
    global dtype policy, so that no grey level is lost.

    Args:
        images: Symbolic images `(batch, height, width, channels)`, RGB, any dtype, 0 to 255.
        mode: `"tf"`: to -1 to 1. `"torch"`: to 0 to 1, less ImageNet's mean, over its deviation. `"caffe"`: to BGR,
            less ImageNet's mean. `"none"`: as they are. Or a `Scaling`. Images of one channel get the averages of the three
            channels.
        name: The name of the last layer, which returns the preprocessed images; helper layers have it as prefix.

    Returns:
        The preprocessed images, float32; with `"none"`, `images` itself.

    Raises:
        ValueError: If the mode is unknown, or is `"torch"` or `"caffe"` and there are neither 1 nor 3 channels.

    Example:

    ```python
    images = keras.Input((224, 224, 3), dtype="uint8")
    scaled = mtl.backbones.preprocess(images, "tf")
    features = keras.applications.MobileNet(include_top=False, weights=None)(scaled)
    ```
    """
    if isinstance(mode, Scaling):
        scale, offset = mode.for_channels(images.shape[-1])
        return keras.layers.Rescaling(scale, offset, dtype="float32", name=name)(images)
    if mode not in get_args(Preprocessing):
        raise ValueError(f"Expected one of the modes {get_args(Preprocessing)}, received: {mode!r}.")
    if mode == "none":
        return images
    if mode == "tf":
        return keras.layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name=name)(images)
    channels = images.shape[-1]
    if channels not in (1, 3):
        raise ValueError(
            f"Expected images of 1 or 3 channels for the mode {mode!r}, whose constants are those of RGB images; "
            f"received: the shape {images.shape}. Use the mode 'tf', or 'none' and a scaling of your own."
        )
    if mode == "torch":
        mean, deviation = _for_channels(TORCH_MEAN, channels), _for_channels(TORCH_DEVIATION, channels)
        scale = [1 / (255 * d) for d in deviation]
        offset = [-m / d for m, d in zip(mean, deviation)]
        return keras.layers.Rescaling(scale, offset, dtype="float32", name=name)(images)
    offset = [-m for m in _for_channels(CAFFE_MEAN, channels)]
    if channels == 1:
        return keras.layers.Rescaling(1.0, offset, dtype="float32", name=name)(images)
    centred = keras.layers.Rescaling(1.0, offset, dtype="float32", name=f"{name}_mean")(images)
    return select_channels(centred, (2, 1, 0), name=name)


def select_channels(images: keras.KerasTensor, channels: Sequence[int], name: str) -> keras.KerasTensor:
    """Some channels of images, in the order given, by layers without weights.

    Keras has no layer that indexes the last axis. `Cropping2D` cuts the two axes before it, so the channels move to the
    front, are cropped out one by one, joined, and move back.

    Args:
        images: Symbolic images `(batch, height, width, channels)`; height and width may be unknown.
        channels: The indices of the channels wanted, from 0.
        name: The name of the last layer; the others have it as prefix.

    Returns:
        Symbolic images `(batch, height, width, len(channels))`.
    """
    layers, count, dtype = keras.layers, images.shape[-1], images.dtype
    planes = layers.Permute((3, 1, 2), dtype=dtype, name=f"{name}_planes")(images)
    picked = []
    for position, channel in enumerate(channels):
        crop = layers.Cropping2D(((channel, count - 1 - channel), (0, 0)), dtype=dtype, name=f"{name}_crop_{position}")
        picked.append(crop(planes))
    joined = layers.Concatenate(axis=1, dtype=dtype, name=f"{name}_join")(picked) if len(picked) > 1 else picked[0]
    return layers.Permute((2, 3, 1), dtype=dtype, name=name)(joined)


def _for_channels(constants: Sequence[float], channels: int) -> list[float]:
    return list(constants) if channels == len(constants) else [sum(constants) / len(constants)]
