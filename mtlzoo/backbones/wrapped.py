"""A model with layers of its own, a dictionary as its input or tokens as its output, as a graph from images to features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from mtlzoo.backbones.tokens import Layout, Tokens, feature_map, find_layout
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import functional_class

IMAGE_KEYS = ("pixel_values", "images", "image", "inputs")
"""What the images are called in the dictionary that a model takes, the usual first."""


def as_graph(model: keras.Model, input_shape: tuple[int | None, ...], output: str | None = None) -> keras.Model:
    """A functional model of one image input and one output, of which a model is a layer.

    The model stays whole, with its class, so that it is saved by its own configuration.

    Args:
        model: A functional model of one image input, also in a dictionary, or any other model that can be called on images.
        input_shape: Height, width and channels.
        output: The key of the output that is taken, for models with a dictionary of outputs.

    Returns:
        The graph, of the same name.

    Raises:
        InputError: If the model cannot be called on images of this shape, or has several outputs and none is chosen.
    """
    images = keras.Input(tuple(input_shape), name="images_of_backbone")
    outputs = _call(model, images)
    return keras.Model(images, choose_output(model.name, outputs, output), name=model.name)


def choose_output(name: str, outputs: Any, key: str | None = None) -> keras.KerasTensor:
    """One of the outputs of a model, symbolic tensors.

    Args:
        name: What the model is called in messages.
        outputs: A tensor, or several by name or in a list.
        key: The name of the one that is wanted.

    Raises:
        InputError: If there is none of this name, or there are several and none is named.
    """
    if isinstance(outputs, Mapping):
        if key is None and len(outputs) > 1:
            raise _several(name, list(outputs))
        found = outputs.get(key) if key is not None else next(iter(outputs.values()))
        if found is None:
            raise InputError(f"Expected one of the outputs of {name!r} ({', '.join(outputs)}), received: {key!r}.")
        return found
    if isinstance(outputs, list | tuple):
        if len(outputs) != 1:
            raise _several(name, list(map(str, range(len(outputs)))))
        return outputs[0]
    return outputs


def as_features(
    graph: keras.Model, tokens: Tokens | None, patch: int | None = None, pooled: keras.KerasTensor | None = None
) -> keras.Model:
    """The same graph, with a feature map in place of a sequence of tokens.

    Args:
        graph: From images to anything; what is no sequence, or one of as many as no grid of patches has, is left as it is.
        tokens: What heads get of the tokens, see :func:`mtlzoo.backbones.tokens.feature_map`.
        patch: The side of a patch in pixels, where it is known.
        pooled: A tensor of the graph that stands for the class token.

    Raises:
        InputError: If tokens are asked for and there are none, or their number is not known.
    """
    (images,), (features,) = graph.inputs, graph.outputs
    if len(features.shape) != 3:
        if tokens is not None:
            raise InputError(
                f"Expected a backbone with tokens (batch, tokens, channels) for tokens={tokens!r}, received: {graph.name!r} "
                f"with features of the shape {tuple(features.shape)}."
            )
        return graph
    height, width, _ = images.shape[1:]
    if height is None or width is None:
        raise InputError(
            f"Expected images of one size, on which the number of tokens of {graph.name!r} depends, received: "
            f"input_shape={tuple(images.shape[1:])}. Say for example input_shape=(224, 224, 3)."
        )
    # Some layers do not tell how many tokens they give.
    count = features.shape[1] or graph(np.zeros((1, *images.shape[1:]), "float32")).shape[1]
    layout = find_layout(count, (height, width), patch)
    if layout is None and tokens is None:
        return graph  # a sequence of something else
    layout = layout or Layout(1, count, 0)
    return keras.Model(images, feature_map(features, layout, tokens, pooled), name=graph.name)


def _call(model: keras.Model, images: keras.KerasTensor) -> Any:
    """What a model answers to images, as a tensor or in the dictionary that it takes."""
    functional = functional_class(model) is not None
    if functional and len(model.inputs) != 1:
        shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
        raise InputError(
            f"Expected a backbone with one image input, received: {model.name!r} with the input shapes {shapes}."
        )
    if functional:
        whole = model.input
        forms: list[Any] = [dict.fromkeys(whole, images) if isinstance(whole, Mapping) else images]
    else:
        forms = [images, *({key: images} for key in IMAGE_KEYS)]
    first = None
    for form in forms:
        try:
            return model(form)
        except Exception as error:  # whatever the code of a user's model raises
            first = first or error
    raise InputError(
        f"Expected a backbone that takes images of the shape {tuple(images.shape[1:])}, received: {model.name!r}, which "
        f"says: {' '.join(str(first).split())[:300]}"
    ) from first


def _several(name: str, outputs: list[str]) -> InputError:
    return InputError(
        f"Expected a backbone with one output, received: {name!r} with the outputs {', '.join(outputs)}. Choose one by "
        "`feature_layer=`, its name or that of its layer."
    )
