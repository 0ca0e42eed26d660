"""A backbone ends at one of its layers, or at several, whose maps are put side by side on the finest of their grids.

Coarse levels are interpolated bilinearly, which keeps their mean over positions where sizes divide. They are not normalised:
after activations the levels of the networks that were looked at are of one size. All layers are built into Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from typing import Any

import keras
from keras import layers

from mtlzoo.backbones.layer_outputs import layer_outputs
from mtlzoo.errors import InputError


def check_feature_layers(feature_layer: str | None, feature_layers: Sequence[str] | None) -> None:
    """Refuse several feature layers that are no list of different names, or stand beside a single one.

    Raises:
        InputError: If they do.
    """
    if feature_layers is None:
        return
    if feature_layer is not None:
        raise InputError(
            f"Expected feature_layer= for one layer or feature_layers= for several, received both: {feature_layer!r} and "
            f"{feature_layers!r}."
        )
    listed = isinstance(feature_layers, list | tuple) and all(isinstance(name, str) for name in feature_layers)
    if not listed or not feature_layers or len(set(feature_layers)) < len(feature_layers):
        raise InputError(
            f"Expected feature_layers= as a list of different names of layers, received: {feature_layers!r}."
        )


def end_at_layer(model: keras.Model, name: str) -> keras.Model:
    """The same network up to the layer, or to the stage of a pyramid of KerasHub, with this name.

    Raises:
        ValueError: If there is none, or the model is no graph of layers.
    """
    (features,) = layer_outputs(model, [name], "feature_layer")
    return keras.Model(model.inputs, features, name=model.name)


def end_at_layers(model: keras.Model, names: Sequence[str], input_shape: tuple[int | None, ...]) -> keras.Model:
    """The same network up to several layers, whose feature maps become one: `(batch, height, width, sum of channels)`.

    Args:
        model: A functional or sequential model.
        names: The names of layers or stages, in the order of their channels in the result.
        input_shape: Height, width and channels of the images.

    Raises:
        ValueError: If there is no such layer, one has no feature map, or the size of the maps is not known.

    Example:

    ```python
    from mtlzoo.backbones.feature_layers import end_at_layers

    mobilenet = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(96, 96, 3))
    end_at_layers(mobilenet, ["conv_pw_5_relu", "conv_pw_11_relu"], (96, 96, 3)).output_shape  # (None, 12, 12, 768)
    ```
    """
    levels = layer_outputs(model, names, "feature_layers")
    for name, level in zip(names, levels):
        if len(level.shape) != 4:
            raise InputError(
                f"Expected layers with a feature map (batch, height, width, channels) for feature_layers=, received: "
                f"{name!r} of {model.name!r}, whose output is {tuple(level.shape)}."
            )
    shapes = keras.Model(model.inputs, levels).compute_output_shape((None, *input_shape))
    sizes = [tuple(shape[1:3]) for shape in shapes]
    if any(None in size for size in sizes):
        raise InputError(
            f"Expected images of one size for feature_layers=, on which the sizes of feature maps depend, received: "
            f"input_shape={tuple(input_shape)}."
        )
    rows, columns = (max(size[axis] for size in sizes) for axis in (0, 1))
    taken = {layer.name for layer in model.layers}
    on_grid = []
    for name, level, (height, width) in zip(names, levels, sizes):
        own: dict[str, Any] = {"name": _free_name(f"{name}_on_grid", taken), "interpolation": "bilinear"}
        if not (rows % height or columns % width):
            factors = rows // height, columns // width
            on_grid.append(level if factors == (1, 1) else layers.UpSampling2D(factors, **own)(level))
        else:
            on_grid.append(layers.Resizing(rows, columns, **own)(level))
    merge = layers.Concatenate(name=_free_name("feature_levels", taken))
    return keras.Model(model.inputs, merge(on_grid) if len(on_grid) > 1 else on_grid[0], name=model.name)


def _free_name(name: str, taken: set[str]) -> str:
    """A name like this for a layer: a backbone that was made so may be ended again."""
    return next(free for free in chain([name], (f"{name}_{number}" for number in count(2))) if free not in taken)
