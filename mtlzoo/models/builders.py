"""Build a model from the name of a backbone and a dictionary of heads."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

from mtlzoo.backbones import create_backbone, get_backbone
from mtlzoo.backbones.hub import PREFIX, HubModel, image_shape, load_preset, vision_part
from mtlzoo.backbones.preprocessing import preprocess
from mtlzoo.backbones.recognition import is_from_hub
from mtlzoo.errors import InputError
from mtlzoo.heads import Head, get_heads
from mtlzoo.heads.base import POOLINGS
from mtlzoo.models.batch_norm import limit_momentum
from mtlzoo.models.head_layers import Features, connect_heads, looking_heads
from mtlzoo.models.multitask import MultiTaskModel
from mtlzoo.models.precision import PRECISIONS, policy
from mtlzoo.system.deprecation import renamed_arguments

POOLING: dict[str, Callable[[], keras.Layer]] = {
    "avg": lambda: layers.GlobalAveragePooling2D(name="pooling"),
    "max": lambda: layers.GlobalMaxPooling2D(name="pooling"),
    "flatten": lambda: layers.Flatten(name="pooling"),
}
BUILDER_DOC = """Build a network on {name} with one output for each head.

Args:
    heads: The heads by name; a number stands for a softmax head with so many classes.
    *args: As for :func:`mtlzoo.build`: `input_shape`, `weights`.
    **kwargs: As for :func:`mtlzoo.build`: `feature_layer`, `feature_layers`, `pooling`, `dropout`, and what
        {name} itself takes.

Returns:
    A :class:`mtlzoo.MultiTaskModel`, not compiled.

Raises:
    ValueError: If an argument is invalid; it lists the valid ones.

Example:

```python
model = mtl.{name}({{"coat_length": 8, "collar_design": 5}}, weights=None)
```
"""
# What options concern how a backbone begins and ends, and not its constructor.
ENDS = ("feature_layers", "preprocessing", "tokens")
# What layers of `build` are called.
OWN_LAYERS = ("images", "images_in", "preprocessing", "pooling", "dropout")


@renamed_arguments(cut="feature_layer")
def build(
    backbone: str | keras.Model,
    heads: Mapping[str, Head | int],
    input_shape: tuple[int, int, int] | None = None,
    weights: str | os.PathLike[str] | None = "auto",
    *,
    feature_layer: str | None = None,
    pooling: str = "avg",
    dropout: float = 0.2,
    resize: str = "stretch",
    name: str | None = None,
    **options: Any,
) -> MultiTaskModel:
    """Build a network with one backbone and one output for each head.

    Args:
        backbone: A name from :func:`mtlzoo.list_backbones`, in any spelling (`"mobilenet_v2"`, `"MobileNetV2"`). Or `"hub:"`
            and a preset of KerasHub, the beginning of just one, or a folder with one: `"hub:dinov3_vit_small_plus"`. Or any
            `keras.Model` that takes images, alone or in a dictionary, whose layers and weights the result shares: a
            `Backbone` such as `model.backbone`, a network of `keras.applications` or of KerasHub, one of your own. Or a
            `MultiTaskModel`, which gets other heads, as by its method `with_heads`; all but `name` is then as it is there.
        heads: The heads by name; a number stands for a softmax head with so many classes.
        input_shape: Height, width and channels; by default the backbone's usual size and three channels. Transformers of
            KerasHub take other sizes than those they were trained with, by interpolating their positions.
        weights: `"imagenet"`, a file of weights, or `None` for random weights; `"auto"` takes ImageNet's where there are
            such weights for the backbone, as for all of `keras.applications`, those of a preset of KerasHub, and random
            ones otherwise.
        feature_layer: The name of the layer, or of the block of a transformer, at which the backbone ends; its last by
            default.
        pooling: How a feature map becomes a vector: `"avg"`, `"max"` or `"flatten"`, for all heads the same, or
            `"attention"`, for each head by weights of its own, see :mod:`mtlzoo.models.attention`; a head may say so itself.
            Heads with positions use the map.
        dropout: The fraction of features dropped while training, before all heads. 0.2 is what MobileNet and EfficientNet
            were trained with; a large network on little data takes 0.5.
        resize: How images come to the input's size: `"stretch"` (as the recipes and Keras do), `"crop"` or `"pad"`.
        name: The name of the model.
        **options: What the backbone's own constructor takes, such as `alpha=0.25`, and

            - `preprocessing`: `"tf"`, `"torch"`, `"caffe"`, `"none"`, an `mtl.backbones.Scaling`, or an image converter of
              KerasHub; by default what the backbone was trained with, which a `Backbone` and a preset of KerasHub know and
              instances of `keras.applications` are recognised by, and `"none"` for a model of your own or one that starts
              with a `Rescaling`. It is part of the graph, so images go in as they are decoded, 0 to 255, uint8 or float;
              `model.backbone.preprocessing` has it.
            - `feature_layers`: the names of several layers in place of one `feature_layer`, such as
              `["conv_pw_5_relu", "conv_pw_13_relu"]`, for heads about small things beside others. Their feature maps are
              brought to the finest of their grids and put side by side.
            - `tokens`: what a transformer's features are: `"both"`, a map of its patches with the class token beside each;
              `"mean"`, the patches alone; or `"class"`, the class token alone, a vector without positions. By default
              `"both"` where there is a class token.
            - `precision`: `"float32"`, `"mixed_float16"` (for GPUs; Keras scales the loss by itself) or
              `"mixed_bfloat16"`; by default Keras' global policy, which is float32. Weights and outputs are float32 in any
              case. On processors without instructions for it, half precision is slower. A given `keras.Model` keeps its
              own.

    Returns:
        A `MultiTaskModel`, not compiled. The momentum of its batch normalisation is at most 0.9, so that statistics keep up
        with weights that are fine-tuned; `mtl.fit` lowers it further where an epoch has few steps.

    Raises:
        ValueError: If the backbone, the feature layer, the size or an argument is invalid; it lists the valid ones.
        ImportError: If the backbone is one of KerasHub, which is not installed.

    Example:

    ```python
    model = mtl.build("mobilenet", {"coat_length": 8, "collar_design": 5}, (96, 96, 3), weights=None, alpha=0.25)
    ```
    """
    if isinstance(backbone, MultiTaskModel):
        settings: dict[str, Any] = {"input_shape": input_shape, "weights": weights, "feature_layer": feature_layer}
        settings |= {"pooling": pooling, "dropout": dropout, "resize": resize, **options}
        _refuse_other_settings(settings)
        return backbone.with_heads(heads, name)
    heads = get_heads(heads, complete=True)
    precision = options.pop("precision", None)
    if pooling not in (*POOLING, *POOLINGS):
        valid = ", ".join((*POOLING, *POOLINGS))
        raise ValueError(f"Expected `pooling` to be one of {valid}, received: {pooling!r}.")
    if pooling in POOLINGS:
        heads = looking_heads(heads)
    if precision not in (None, *PRECISIONS):
        raise ValueError(f"Expected `precision` to be one of {', '.join(PRECISIONS)}, received: {precision!r}.")
    with policy(precision):
        source: str | keras.Model | HubModel = backbone
        if isinstance(backbone, str) and backbone.startswith(PREFIX):
            own: dict[str, Any] = {key: options.pop(key) for key in ENDS if key in options}
            source, options = load_preset(backbone, weights is not None, **options), own
        if input_shape is None:
            input_shape = _usual_shape(source)
        extractor, mode = create_backbone(source, input_shape, weights=weights, feature_layer=feature_layer, **options)

        # === Functional Model ===
        if extractor.name in OWN_LAYERS:
            extractor.name = f"{extractor.name}_backbone"
        images = keras.Input(input_shape, name="images" if "images" not in heads else "images_in")
        feature_map = features = extractor(preprocess(images, mode))
        if len(features.shape) == 4 and pooling in POOLING:
            features = POOLING[pooling]()(features)
        elif len(features.shape) not in (2, 4):
            features = layers.Flatten(name="pooling")(features)
        if dropout and len(features.shape) == 2:
            features = layers.Dropout(dropout, name="dropout")(features)
        taken = {layer.name for layer in keras.Model(images, features).layers}
        # One pass through the backbone for all; positions are known before pooling only.
        heads, outputs = connect_heads(heads, Features(features, feature_map, dropout), taken)
        model = MultiTaskModel(
            images, outputs, name=name or f"{extractor.name.replace('.', '_')}_multitask", heads=heads, resize=resize
        )
    limit_momentum(model)
    return model


def _refuse_other_settings(settings: Mapping[str, Any]) -> None:
    """Refuse what a model with other heads keeps from the model that it is made of."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(build).parameters.items()}
    defaults |= dict.fromkeys((*ENDS, "precision"))
    told = [name for name, value in settings.items() if name not in defaults or value != defaults[name]]
    if told:
        raise InputError(
            f"Expected heads and a name alone, since a `MultiTaskModel` keeps all else as it is, received also: "
            f"{', '.join(told)}. To change that, give its backbone: mtl.build(model.backbone, heads, ...)."
        )


def named_builder(backbone: str) -> Callable[..., MultiTaskModel]:
    """The builder of one backbone, such as `mtl.MobileNetV2(heads, ...)`: :func:`build` without its first argument.

    Args:
        backbone: A name of :func:`mtlzoo.list_backbones`.

    Returns:
        The function.

    Example:

    ```python
    model = mtl.models.named_builder("MobileNet")({"coat_length": 8}, (32, 32, 3), weights=None, alpha=0.25)
    ```
    """

    def builder(heads: Mapping[str, Head | int], *args: Any, **kwargs: Any) -> MultiTaskModel:
        return build(backbone, heads, *args, **kwargs)

    builder.__name__ = builder.__qualname__ = backbone
    builder.__doc__ = BUILDER_DOC.format(name=backbone)
    return builder


def _usual_shape(backbone: str | keras.Model | HubModel) -> tuple[int, int, int]:
    if isinstance(backbone, HubModel):
        return (*backbone.size, 3)
    if isinstance(backbone, str):
        return (*get_backbone(backbone).usual_size, 3)
    if not isinstance(backbone, keras.Model):
        raise TypeError(f"Expected the name of a backbone or a keras.Model, received: {backbone!r}.")
    shape = image_shape(vision_part(backbone) if is_from_hub(backbone) else backbone)
    if len(shape) != 3 or not all(isinstance(size, int) for size in shape):
        raise ValueError(
            f"Expected `input_shape`, since {backbone.name!r} does not take images of one size, received: {shape}."
        )
    height, width, channels = (int(size or 0) for size in shape)
    return height, width, channels
