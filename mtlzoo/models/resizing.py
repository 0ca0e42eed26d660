"""The same network for images of another size: all layers are shared."""

from __future__ import annotations

from typing import Any

import keras

from mtlzoo.backbones import Backbone
from mtlzoo.keras_compat import calls
from mtlzoo.models.multitask import MultiTaskModel


def at_size(model: MultiTaskModel, image_size: tuple[int, int]) -> MultiTaskModel:
    """A model of the same layers and weights for images of another size.

    What trains one trains the other. Networks that are convolutional up to a mean over positions can do that. Those with a
    layer for each position, such as `pooling="flatten"`, cannot, nor can transformers, whose positions are learned or whose
    tokens become a grid of one size, nor heads of points and objects, which look at a grid. Several feature layers can where
    the sizes of their maps divide each other as they do at the model's own size.

    Args:
        model: The model.
        image_size: Height and width, in pixels.

    Returns:
        Another model on the same layers; the model itself if it has this size.

    Raises:
        ValueError: If the network has a layer that fits its own size alone.

    Example:

    ```python
    from mtlzoo.models.resizing import at_size

    large = mtl.MobileNet({"kind": 3}, (96, 96, 3), weights=None, alpha=0.25)
    small = at_size(large, (64, 64))
    ```
    """
    if tuple(model.input_shape[1:3]) == tuple(image_size):
        return model
    try:
        _refuse_tokens(model)
        return _call_again(model, (*image_size, model.input_shape[3]))
    except ValueError as error:
        raise ValueError(
            f"Expected a network that takes images of {image_size[0]} x {image_size[1]} pixels too, but one of its layers "
            f"fits those of {model.input_shape[1]} x {model.input_shape[2]} alone: {str(error).splitlines()[0]}"
        ) from None


def _refuse_tokens(model: MultiTaskModel) -> None:
    """Refuse a backbone that makes a map of tokens: some do not say what shape they would give at another size."""
    for layer in model.backbone.layers if any(isinstance(layer, Backbone) for layer in model.layers) else ():
        if isinstance(layer, keras.layers.Reshape):
            for inputs, outputs in calls(layer):
                if (len(inputs[0].shape), len(outputs[0].shape)) == (3, 4):
                    raise ValueError(f"{layer.name!r} makes a map of so many tokens.")


def _call_again(model: Any, shape: tuple[int | None, ...]) -> Any:
    """A model of a functional model's own layers on an input of another shape, of the same class and name."""
    (old,) = model.inputs
    images = keras.Input(shape, name=old.name, dtype=old.dtype)
    twin = keras.models.clone_model(model, input_tensors=images, clone_function=_own, call_function=_call)
    twin.name = model.name
    for name in ("preprocessing", "resize"):
        if hasattr(model, name):
            setattr(twin, name, getattr(model, name))
    return twin


def _own(layer: keras.Layer) -> keras.Layer:
    # Keras keeps the shape that a `Reshape` met first (3.10), and looks at those that a `Concatenate` joins the first time
    # alone. Neither has weights to share.
    anew = isinstance(layer, keras.layers.Reshape | keras.layers.Concatenate)
    return type(layer).from_config(layer.get_config()) if anew else layer


def _call(layer: keras.Layer, *arguments: Any, **keywords: Any) -> Any:
    """A nested functional model is bound to the size that it was built for, its layers are not."""
    if isinstance(layer, keras.Model) and len(arguments) == 1:
        layer = _call_again(layer, tuple(arguments[0].shape[1:]))
    return layer(*arguments, **keywords)
