"""Makes a backbone from a name or from any Keras model."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import warnings
from pathlib import Path
from typing import Any

import keras

from mtlzoo.backbones.backbone import Backbone
from mtlzoo.backbones.builtin_layers import to_builtin_layers
from mtlzoo.backbones.bundled import bundled_weights, in_keras_home, keras_models
from mtlzoo.backbones.layer_names import EXPECTED, SAFE_INSIDE, safe_names
from mtlzoo.backbones.recognition import expected_preprocessing, refuse_top
from mtlzoo.backbones.registry import BackboneSpec, Preprocessing, get_backbone
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import calls, flatten_layers
from mtlzoo.system.deprecation import renamed_arguments

Shape = tuple[int | None, int | None, int]

# Arguments of the constructors that concern the top, or that `create_backbone` has itself.
_OWN_ARGUMENTS = {
    *("input_shape", "input_tensor", "weights", "name"),
    *("include_top", "pooling", "classes", "classifier_activation", "dropout", "dropout_rate"),
}


@renamed_arguments(cut="feature_layer")
def create_backbone(
    backbone: str | keras.Model,
    input_shape: Shape,
    weights: str | os.PathLike[str] | None = "auto",
    feature_layer: str | None = None,
    preprocessing: Preprocessing | None = None,
    **arguments: Any,
) -> tuple[Backbone, Preprocessing]:
    """A feature extractor without its top, made of built-in layers only.

    Args:
        backbone: A name from `list_backbones()`, or a functional or sequential model of one image input, which keeps
            its weights and shares them with the result.
        input_shape: Height and width in pixels (`None` for any) and the number of channels.
        weights: `"imagenet"`, a weights file for this architecture without its top (of any input size), or `None` for
            random weights; `"auto"` stands for `"imagenet"` where Keras offers such weights, else for `None`. With a
            model, a file is loaded into it; all else leaves it as it is. ImageNet weights are downloaded once, but for
            MobileNetV2 with `alpha=0.35`: those for 224 pixels come with the package and serve every size, unless Keras
            has its own file for this size already.
        feature_layer: The name of the layer whose output are the features; the last layer by default.
        preprocessing: What the pixels need first, see `preprocess`; by default what the registry says, and for a model
            what `expected_preprocessing` finds: networks of `keras.applications` are known.
        **arguments: Further arguments of the function that makes the architecture, such as `alpha=0.25`.

    Returns:
        The backbone, which bears the name that Keras gave the architecture, and the mode for `preprocess`. The features
        are `(batch, height, width, channels)`, or whatever the model or the feature layer gives.

    Raises:
        ValueError: If the name, the shape, the feature layer or the weights do not fit, or if a model has layers that no
            plain Keras file can hold, see `to_builtin_layers`.
        TypeError: If there are arguments that this architecture does not have.
        OSError: If the ImageNet weights cannot be downloaded, or the weights file does not exist.

    Example:

    ```python
    backbone, mode = mtl.backbones.create_backbone("mobilenet", (96, 96, 3), weights=None, feature_layer="conv_pw_11_relu")
    images = keras.Input((96, 96, 3))
    features = backbone(mtl.backbones.preprocess(images, mode))  # (batch, 6, 6, 512)
    ```
    """
    input_shape = _checked_shape(input_shape)
    if weights not in (None, "auto", "imagenet") and not Path(weights).is_file():
        raise FileNotFoundError(
            f"Expected weights=None, 'auto', 'imagenet' or the path of a weights file, received: {os.fspath(weights)!r}."
        )
    if isinstance(backbone, str):
        spec = get_backbone(backbone)
        model = _application(spec, input_shape, weights, arguments)
        model = model if feature_layer is None else _end_at_layer(model, feature_layer)
        scales_itself = arguments.get("include_preprocessing", True)
        mode = preprocessing or (spec.preprocessing if scales_itself else expected_preprocessing(model))
    else:
        model = _own_model(backbone, input_shape, weights, feature_layer, arguments)
        mode = preprocessing or expected_preprocessing(backbone)
    if len(model.outputs) != 1:
        raise ValueError(
            f"Expected a backbone with one output, received: {len(model.outputs)} outputs of {model.name!r}. "
            "Choose one by `feature_layer=`, the name of its layer."
        )
    name = next(iter(safe_names(model.name)))
    # Single tensors, not lists of one: called on a tensor, the backbone then returns a tensor.
    return Backbone(model.inputs[0], model.outputs[0], name=name, preprocessing=mode), mode


def _checked_shape(input_shape: Any) -> Shape:
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    whole = all((isinstance(size, int) and size > 0) or (size is None and axis < 2) for axis, size in enumerate(shape))
    if len(shape) != 3 or not whole:
        raise ValueError(f"Expected input_shape=(height, width, channels) in pixels, received: {input_shape!r}.")
    return shape


# === By name ===


def _application(spec: BackboneSpec, input_shape: Shape, weights: Any, arguments: dict[str, Any]) -> keras.Model:
    """The architecture of that name, with its weights, made of built-in layers."""
    constructor = getattr(importlib.import_module(spec.module), spec.name)
    accepted = sorted(set(inspect.signature(constructor).parameters) - _OWN_ARGUMENTS)
    unknown = sorted(set(arguments) - set(accepted))
    if unknown:
        raise TypeError(
            f"{spec.name} has no argument {', '.join(unknown)}. It accepts: {', '.join(accepted) or 'none'}."
        )
    if any(size is not None and size < least for size, least in zip(input_shape, spec.minimum_size)):
        raise ValueError(
            f"{spec.name} needs images of at least {spec.minimum_size[0]} x {spec.minimum_size[1]} pixels "
            f"(height x width), received: input_shape={input_shape}."
        )
    if weights == "auto":
        weights = "imagenet" if spec.imagenet else None
    if weights == "imagenet":
        model = _with_imagenet(spec, constructor, input_shape, arguments)
    else:
        if spec.module == "keras.applications":
            arguments = {"include_top": False, "weights": None, **arguments}
        model = constructor(input_shape=input_shape, **arguments)
        if weights is not None:
            _load(model, weights)
    rewritten = to_builtin_layers(model)
    if rewritten is model:
        return model
    # Layers of its own, so that each belongs to one graph only and its `output` is that of this graph.
    fresh = keras.Model.from_config(rewritten.get_config())
    fresh.set_weights(rewritten.get_weights())
    return fresh


def _with_imagenet(spec: BackboneSpec, constructor: Any, input_shape: Shape, arguments: dict[str, Any]) -> keras.Model:
    if not spec.imagenet:
        raise ValueError(
            f'There are no ImageNet weights for {spec.name}, received: weights="imagenet". Leave weights= out or pass '
            "weights=None to train from random weights, pass weights=<path of a file>, or take another backbone, see "
            "`mtlzoo models`."
        )
    if input_shape[-1] != 3:
        raise ValueError(
            f'Expected 3 channels for weights="imagenet", received: input_shape={input_shape}. '
            "Convert the images to RGB, or take weights=None."
        )
    bundled = bundled_weights(spec.name, arguments)
    if bundled is not None and not in_keras_home(input_shape):
        model = constructor(include_top=False, weights=None, input_shape=input_shape, **arguments)
        _load(model, bundled)
        return model
    with warnings.catch_warnings():
        # MobileNets say at every unusual size that they take the weights of 224 pixels, as everybody wants.
        warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
        try:
            return constructor(include_top=False, weights="imagenet", input_shape=input_shape, **arguments)
        except Exception as error:
            # `keras.utils.get_file` raises a bare `Exception` when a download fails.
            if "URL fetch failure" not in str(error):
                raise
            raise OSError(_advice(spec, input_shape, str(error))) from error


def _advice(spec: BackboneSpec, input_shape: Shape, problem: str) -> str:
    models = keras_models()
    advice = (
        f"The ImageNet weights of {spec.name} are not in {models} and could not be downloaded: {problem}. "
        "Go online once, or put the file into the folder `models` of a Keras home and set KERAS_HOME to that home "
        "before Python starts, or pass weights=<path of the file>, or weights=None for random weights. MobileNetV2 with "
        "alpha=0.35 (`--option alpha=0.35` on the command line) needs no network: its weights come with mtlzoo."
    )
    if spec.name == "MobileNet" and input_shape[0] in (128, 160, 192):
        here = ", ".join(sorted(str(path) for path in models.glob("mobilenet_*_224_tf_no_top.h5"))) or "none is there"
        advice += f" MobileNet has other weights for 128, 160 and 192 pixels; those of 224 fit too, by path ({here})."
    return advice


def _load(model: keras.Model, path: Any) -> None:
    try:
        model.load_weights(os.fspath(path))
    except Exception as error:
        raise ValueError(
            f"The file {os.fspath(path)!r} does not hold weights that fit {model.name!r} without its top: {error}"
        ) from error


# === A model of the user's own ===


def _own_model(
    model: Any, input_shape: Shape, weights: Any, feature_layer: str | None, arguments: dict[str, Any]
) -> keras.Model:
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected the name of a backbone or a keras.Model, received: {model!r}.")
    if arguments:
        raise TypeError(
            f"A model given as backbone takes no further arguments, received: {', '.join(sorted(arguments))}."
        )
    if weights not in (None, "auto", "imagenet"):
        _load(model, weights)
    if feature_layer is None:
        refuse_top(model)
    else:
        model = _end_at_layer(model, feature_layer)
    strange = [layer.name for layer in flatten_layers(model) if not SAFE_INSIDE.fullmatch(layer.name)]
    if strange:
        raise InputError(
            f"Expected layers of {model.name!r} whose names are {EXPECTED}, received: {strange[0]!r}; rename it."
        )
    model = to_builtin_layers(model)
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    fits = len(shapes) == 1 and len(shapes[0]) == 3
    if not fits or any(own not in (None, size) for own, size in zip(shapes[0], input_shape)):
        raise ValueError(
            f"Expected a backbone with one image input that fits input_shape={input_shape}, "
            f"received: {model.name!r} with the input shapes {shapes}."
        )
    return model


def _end_at_layer(model: keras.Model, name: str) -> keras.Model:
    """The same network up to the layer with this name."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=5)
        hint = f"Did you mean {', '.join(map(repr, close))}?" if close else f"Its last layers: {', '.join(names[-5:])}."
        raise ValueError(
            f"Expected the name of a layer of {model.name!r} for feature_layer=, received: {name!r}. {hint}"
        )
    layer = model.get_layer(name)
    if len(calls(layer)) == 1:
        return keras.Model(model.inputs, layer.output, name=model.name)
    # The layer is shared, and its `output` may belong to another graph: walk through this one to find its own.
    found: dict[str, Any] = {}

    def record(operation: Any, *args: Any, **kwargs: Any) -> Any:
        found[operation.name] = operation(*args, **kwargs)
        return found[operation.name]

    keras.models.clone_model(
        model, input_tensors=model.input, clone_function=lambda operation: operation, call_function=record
    )
    return keras.Model(model.inputs, found[name], name=model.name)
