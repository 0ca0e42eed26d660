"""A backbone from a Keras model of the user's own, or of KerasHub: of built-in layers where it can be, else as it is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from mtlzoo.backbones.builtin_layers import to_builtin_layers
from mtlzoo.backbones.feature_layers import end_at_layer, end_at_layers
from mtlzoo.backbones.hub import at_shape, ending_at, patch_side, vision_part
from mtlzoo.backbones.layer_names import EXPECTED, SAFE_INSIDE
from mtlzoo.backbones.recognition import is_from_hub, refuse_top
from mtlzoo.backbones.tokens import Tokens
from mtlzoo.backbones.wrapped import as_features, as_graph, choose_output
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import calls, flatten_layers, functional_class, input_tensors, producer


def from_own_model(
    model: Any,
    input_shape: tuple[int | None, ...],
    weights: str | os.PathLike[str] | None = None,
    feature_layer: str | Sequence[str] | None = None,
    tokens: Tokens | None = None,
) -> keras.Model:
    """A functional model from one image input to features, on the layers of a given model.

    Args:
        model: Any model that can be called on images, alone or in a dictionary. Of a task of KerasHub the backbone is
            taken, of a network that reads texts too the part that sees.
        input_shape: Height, width and channels. Where a transformer of KerasHub was made for another size, it is copied and
            its positions are interpolated.
        weights: A file of weights that is loaded first; all else leaves the model as it is.
        feature_layer: Where it ends: the name of a layer, of a block of a transformer of KerasHub, or of an output;
            or a list of several layers, see :func:`mtlzoo.backbones.feature_layers.end_at_layers`.
        tokens: What becomes of tokens, see :func:`mtlzoo.backbones.tokens.feature_map`.

    Raises:
        TypeError: If it is no Keras model.
        ValueError: If the shape, the feature layer, the tokens or the weights do not fit.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected the name of a backbone or a keras.Model, received: {model!r}.")
    hub, pooled = is_from_hub(model), None
    if hub:
        model = vision_part(model)
    if weights not in (None, "auto", "imagenet"):
        load_weights(model, weights)
    patch = None
    if hub:
        model = at_shape(model, input_shape)
        shorter = ending_at(model, feature_layer) if isinstance(feature_layer, str) else None
        if shorter is not None:
            model, feature_layer = shorter, None
        patch = patch_side(model)
    elif feature_layer is None:
        refuse_top(model)
    output = _named_output(model, feature_layer) if isinstance(feature_layer, str) else None
    if isinstance(feature_layer, str) and output is None:
        model = end_at_layer(model, feature_layer)
    elif feature_layer is not None and output is None:
        model = end_at_layers(model, feature_layer, input_shape)
    _check_names(model)
    if hub and feature_layer is None:
        model, pooled = _pooled_tokens(model)
        if isinstance(getattr(model, "output", None), Mapping):
            output = list(model.output)[-1]  # the last stage
    graph = _graph(model, input_shape, output)
    shapes = [tuple(tensor.shape[1:]) for tensor in graph.inputs]
    fits = len(shapes) == 1 and len(shapes[0]) == 3
    if not fits or any(own not in (None, size) for own, size in zip(shapes[0], input_shape)):
        raise InputError(
            f"Expected a backbone with one image input that fits input_shape={tuple(input_shape)}, "
            f"received: {model.name!r} with the input shapes {shapes}."
        )
    return as_features(graph, tokens, patch, pooled)


def load_weights(model: keras.Model, path: Any) -> None:
    """Load a file of weights into a model without its top.

    Raises:
        ValueError: If they do not fit.
    """
    try:
        model.load_weights(os.fspath(path))
    except Exception as error:
        raise ValueError(
            f"The file {os.fspath(path)!r} does not hold weights that fit {model.name!r} without its top: {error}"
        ) from error


def _named_output(model: Any, name: str) -> str | None:
    """The key of an output, if that is what is meant."""
    outputs = getattr(model, "output", None) if functional_class(model) else None
    return name if isinstance(outputs, Mapping) and name in outputs else None


def _check_names(model: keras.Model) -> None:
    strange = [layer.name for layer in flatten_layers(model) if not SAFE_INSIDE.fullmatch(layer.name)]
    if strange:
        raise InputError(
            f"Expected layers of {model.name!r} whose names are {EXPECTED}, received: {strange[0]!r}; rename it."
        )


def _pooled_tokens(model: keras.Model) -> tuple[keras.Model, keras.KerasTensor | None]:
    """A network that ends in a vector of its own making, as SigLIP, up to the tokens that it is made of; and that vector."""
    outputs = model.outputs
    if len(outputs) == 1 and len(outputs[0].shape) == 2:
        sources = input_tensors(outputs[0])
        if len(sources) == 1 and len(sources[0].shape) == 3 and len(calls(producer(outputs[0]))) == 1:
            return keras.Model(model.inputs[0], sources[0], name=model.name), outputs[0]
    return model, None


def _graph(model: keras.Model, input_shape: tuple[int | None, ...], output: str | None) -> keras.Model:
    """A functional model of one input and one output: of built-in layers, of the model's layers, or of the model whole."""
    functional = functional_class(model)
    plain = isinstance(model, keras.Sequential) or type(model) is functional
    try:
        model = to_builtin_layers(model)
        plain = True
    except ValueError:
        pass  # Files that hold plain layers alone are refused when they are to be written.
    if isinstance(model, keras.Sequential) or not plain or len(model.inputs) != 1:
        return model if isinstance(model, keras.Sequential) and model.built else as_graph(model, input_shape, output)
    return keras.Model(model.inputs[0], choose_output(model.name, model.output, output), name=model.name)
