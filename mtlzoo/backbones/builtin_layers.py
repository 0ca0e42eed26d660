"""Turns a graph into one of built-in layers, which every Keras file format holds."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from mtlzoo.backbones.backbone import Backbone
from mtlzoo.backbones.builtin_calls import REPLACEMENTS, Call
from mtlzoo.keras_compat import functional_class

# Built-in by name, but they hold code or another framework's objects, which no Keras file brings back safely.
_OPAQUE = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


def to_builtin_layers(model: keras.Model) -> keras.Model:
    """The same network made of built-in Keras layers only.

    A plain `.h5` file cannot hold raw operations (`x / 127.5`, `preprocess_input` in the graph, MobileNetV3) or layers
    that Keras does not export (`CustomScaleLayer` of InceptionResNetV2, `LayerScale` of ConvNeXt): it is written and
    then fails to load. Here they become built-in layers of the same name that compute the same numbers, also in nested
    models; a nested `Backbone` becomes a plain `keras.Model`.

    All other layers are shared with `model`, and so are their weights. ConvNeXt's `LayerScale` alone is replaced by a
    layer with a weight of another shape, which starts as a copy.

    A shared layer then belongs to two graphs on the same input. Its `output` is that of the first: the same numbers,
    but a model built up to it has to be rewritten again.

    Args:
        model: A built functional or sequential model.

    Returns:
        `model` itself if it is a plain model that needs nothing, otherwise a new plain functional `keras.Model` of the
        same name, input and output structure, not compiled.

    Raises:
        ValueError: If a layer or operation cannot be expressed by built-in layers (`Lambda`, custom layers); the
            message names it and the formats that can hold it.

    Example:

    ```python
    model = keras.applications.MobileNetV3Small(weights=None)
    mtl.backbones.to_builtin_layers(model).save("model.h5")
    ```
    """
    if _survives(model):
        return model
    graph = _plain(model)
    replaced: dict[int, dict[str, keras.layers.Layer]] = {}
    nested: dict[int, keras.Model] = {}

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if _survives(operation):
            return operation(*args, **kwargs)
        if isinstance(operation, keras.Model):
            if id(operation) not in nested:
                nested[id(operation)] = to_builtin_layers(operation)
            return nested[id(operation)](*args, **kwargs)
        outputs = None
        kind = type(operation)
        if kind.__name__ in REPLACEMENTS and kind.__module__.startswith("keras."):
            positional = inspect.signature(operation.call).bind(*args, **kwargs).args
            outputs = REPLACEMENTS[kind.__name__](Call(operation, positional, replaced.setdefault(id(operation), {})))
        if outputs is None:
            raise _refusal(operation, model, f"in the model {model.name!r}")
        return outputs

    if not all(map(_survives, graph.operations)):
        graph = keras.models.clone_model(
            graph, input_tensors=graph.input, clone_function=lambda operation: operation, call_function=call
        )
    if not model.trainable:
        graph.trainable = False
    return graph


def _survives(operation: Any) -> bool:
    """Whether an operation, with all that is in it, comes back from an `.h5` file as it is."""
    kind = type(operation)
    if isinstance(operation, keras.Sequential):
        return kind is keras.Sequential and all(map(_survives, operation.layers))
    if isinstance(operation, keras.Function):
        return kind is functional_class(operation) and all(map(_survives, operation.operations))
    if getattr(keras.layers, kind.__name__, None) is not kind or kind.__name__ in _OPAQUE:
        return False
    wrapped = getattr(operation, "layer", None)
    if isinstance(wrapped, keras.layers.Layer) and not _survives(wrapped):
        return False
    # An activation is stored by its name alone.
    activation = getattr(getattr(operation, "activation", None), "__name__", "linear")
    return hasattr(keras.activations, activation)


def _plain(model: Any) -> keras.Model:
    """A plain functional model on the graph of a sequential model or of a subclass of the functional model."""
    if isinstance(model, keras.Sequential) and model.built:
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    functional = functional_class(model)
    if functional is None:
        raise _refusal(model, model, "which is no built functional or sequential model")
    if not isinstance(model, Backbone) and type(model).call is not getattr(functional, "call", None):
        raise _refusal(model, model, "which computes its outputs in a `call` of its own")
    if type(model) is functional:
        return model
    return keras.Model(model.input, model.output, name=model.name)


def loads_with(operation: Any) -> str | None:
    """What has to be imported before a layer is loaded from a `.keras` file; `None` if it does not tell."""
    kind = type(operation)
    if kind.__module__.startswith("keras_hub."):
        return "KerasHub"
    package = keras.saving.get_registered_name(kind).rpartition(">")[0]
    return f"the package {package!r}" if package not in ("", "mtlzoo") else None


def _refusal(operation: Any, model: Any, where: str) -> ValueError:
    package = loads_with(operation)
    if package is None and type(operation).__module__.startswith("keras.") and type(operation).__name__ not in _OPAQUE:
        package = loads_with(model) or "Keras"  # it is an operation or a layer that Keras does not export
    keras_file = f"`.keras`, which loads with {package}, " if package else ""
    return ValueError(
        f"Expected built-in Keras layers only, since an `.h5` file with others does not load with plain Keras, received: "
        f"{operation.name!r} of the class `{type(operation).__name__}` {where}; formats that hold it are {keras_file}a "
        "SavedModel (a folder), ONNX (`.onnx`) and LiteRT (`.tflite`)."
    )
