"""A graph without classes of this package, for files that run where it is not installed."""

from __future__ import annotations

from typing import Any

import keras

from mtlzoo.backbones.backbone import Backbone
from mtlzoo.backbones.builtin_layers import loads_with, to_builtin_layers
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import flatten_layers


def to_plain_graph(model: keras.Model) -> keras.Model:
    """The same network as a plain functional model: of built-in layers where it can be, else with the layers that it has.

    Args:
        model: A functional model, of which a `Backbone` may be a part.

    Returns:
        A plain `keras.Model` that shares the layers; each `Backbone` in it is a plain one too.

    Example:

    ```python
    from mtlzoo.backbones.plain_graph import to_plain_graph

    plain = to_plain_graph(model)
    ```
    """
    try:
        return to_builtin_layers(model)
    except ValueError:
        pass  # files that need no built-in layers hold the others as they are
    made: dict[int, keras.Model] = {}

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, Backbone):
            if id(operation) not in made:
                made[id(operation)] = keras.Model(operation.input, operation.output, name=operation.name)
            operation = made[id(operation)]
        return operation(*args, **kwargs)

    graph = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(
        graph, input_tensors=graph.input, clone_function=lambda operation: operation, call_function=call
    )


def is_builtin(model: keras.Model) -> bool:
    """Whether a model can be written in built-in layers, and so go into an `.h5` file."""
    try:
        to_builtin_layers(model)
    except ValueError:
        return False
    return True


def check_can_be_loaded(model: keras.Model) -> None:
    """Refuse layers that no package brings back from a `.keras` file.

    Raises:
        InputError: If there is one; it names the formats that can hold it.
    """
    for layer in flatten_layers(model):
        own = type(layer).__module__.partition(".")[0] not in ("keras", "mtlzoo")
        if isinstance(layer, keras.layers.Lambda) or (own and loads_with(layer) is None):
            raise InputError(
                f"Expected layers that a `.keras` file can be loaded with, built-in ones or such that "
                f"`keras.saving.register_keras_serializable` knows, received: {layer.name!r} of the class "
                f"`{type(layer).__name__}`; formats that hold it are a SavedModel (a folder), ONNX (`.onnx`) and LiteRT "
                "(`.tflite`)."
            )
