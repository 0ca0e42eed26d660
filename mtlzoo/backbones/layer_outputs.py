"""Finds what layers put out within the graph of a model, by their names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from mtlzoo.backbones.wrapped import choose_output
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import calls, flatten_layers, functional_class, producer


def layer_outputs(model: keras.Model, names: Sequence[str], argument: str) -> list[keras.KerasTensor]:
    """The outputs of layers in the graph of a model, or of stages of a pyramid of KerasHub, by their names.

    Args:
        model: A functional or sequential model.
        names: The names.
        argument: What names them, for messages: `"feature_layer"` or `"feature_layers"`.

    Raises:
        ValueError: If there is none of a name, or the model is no graph of layers.
    """
    if functional_class(model) is None and not isinstance(model, keras.Sequential):
        raise InputError(
            f"Expected no {argument}= for {model.name!r}, which is no functional model and so no graph that could be "
            f"cut, received: {', '.join(map(repr, names))}. Give a model that ends there."
        )
    known = getattr(model, "pyramid_outputs", None) or {}
    if isinstance(outputs := getattr(model, "output", None), Mapping):
        known = {**outputs, **known}
    for name in names:
        if name not in known:
            _check_name(model, name, argument)
    if all(name in known or _called_once(model.get_layer(name)) for name in names):
        return [known[name] if name in known else choose_output(name, model.get_layer(name).output) for name in names]
    # A shared layer's `output` may belong to another graph: walk through this one to find its own.
    found: dict[str, Any] = {}

    def record(operation: Any, *args: Any, **kwargs: Any) -> Any:
        found[operation.name] = operation(*args, **kwargs)
        return found[operation.name]

    keras.models.clone_model(
        model, input_tensors=model.input, clone_function=lambda operation: operation, call_function=record
    )
    return [choose_output(name, found[producer(known[name]).name if name in known else name]) for name in names]


def _called_once(layer: keras.Layer) -> bool:
    """Whether a layer's `output` is that in the one graph; that of a nested model is within the model."""
    return len(calls(layer)) == 1 and not isinstance(layer, keras.Model)


def _check_name(model: keras.Model, name: str, argument: str) -> None:
    names = [layer.name for layer in model.layers]
    if name in names:
        return
    close = difflib.get_close_matches(name, names, n=5)
    hint = f"Did you mean {', '.join(map(repr, close))}?" if close else f"Its last layers: {', '.join(names[-5:])}."
    if stages := getattr(model, "pyramid_outputs", None):
        hint += f" Its stages: {', '.join(stages)}."
    if argument == "feature_layers" and any(layer.name == name for layer in flatten_layers(model)):
        hint = "It is within another layer, as blocks of transformers are, of which feature_layer= takes one alone."
    raise ValueError(f"Expected the name of a layer of {model.name!r} for {argument}=, received: {name!r}. {hint}")
