"""What a network given as an instance expects of its pixels: those of `keras.applications` are known by their stems."""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import layers

from mtlzoo.backbones.backbone import Backbone
from mtlzoo.backbones.preprocessing import CAFFE_MEAN, TORCH_DEVIATION, TORCH_MEAN
from mtlzoo.backbones.registry import Preprocessing, get_backbone
from mtlzoo.backbones.scaling import Scaling
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import calls, functional_class


class _Stem(NamedTuple):
    """How a family is told: one member, the names of layers that all members have and no earlier line has, and what its
    pixels need where its own scaling was left out (`include_preprocessing=False`), if that is the same for all members."""

    member: str
    names: tuple[str, ...]
    without_scaling: Preprocessing | None = None


# The first line of which all names are found is it.
_STEMS = (
    _Stem("Xception", ("block1_conv1", "block1_conv1_bn")),
    _Stem("VGG16", ("block1_conv1", "block1_conv2")),
    _Stem("ResNet50", ("conv1_conv", "conv1_bn", "pool1_pool")),
    _Stem("ResNet50V2", ("conv1_conv", "pool1_pool")),
    _Stem("DenseNet121", ("conv1_conv", "conv1_bn", "pool1")),
    _Stem("InceptionV3", ("mixed0",)),
    _Stem("InceptionResNetV2", ("mixed_5b",)),
    _Stem("MobileNet", ("conv1", "conv1_bn", "conv_dw_1")),
    _Stem("MobileNetV2", ("Conv1", "bn_Conv1")),
    _Stem("NASNetMobile", ("stem_conv1", "stem_bn1")),
    _Stem("MobileNetV3Small", ("conv", "conv_bn", "expanded_conv_project"), "tf"),
    _Stem("EfficientNetB0", ("stem_conv", "stem_bn", "block1a_dwconv")),
    _Stem("EfficientNetV2B0", ("stem_conv", "stem_bn", "block1a_project_conv")),
    _Stem("ConvNeXtTiny", ("*_stem", "*_stage_0_block_0_depthwise_conv"), "torch"),
    _Stem("TCDCN", ("conv_1", "conv_1_abs_tanh")),
)
_TOPS = ("predictions", "Predictions", "*_head_dense")
# Layers that move pixels and leave their values as they are; for all others on the way the scale is the user's business.
_GEOMETRIC = (
    *(layers.InputLayer, layers.Identity, layers.Resizing, layers.CenterCrop, layers.ZeroPadding2D, layers.Cropping2D),
    *(layers.RandomFlip, layers.RandomRotation, layers.RandomZoom, layers.RandomTranslation, layers.RandomCrop),
)


def expected_preprocessing(model: keras.Model) -> Preprocessing | Scaling:
    """What the pixels from 0 to 255 need before a model is given them.

    A `Backbone` knows it. A network of `keras.applications` is known by the names of its first layers, whatever it is
    called, also truncated, or alone inside of another model; it needs what the registry says. Where something else than a
    change of place happens to the pixels first, such as a `Rescaling`, the model scales them itself, and so does any other
    model: `"none"`.

    Args:
        model: A built functional or sequential model of one image input.

    Returns:
        The mode for `preprocess`.

    Warns:
        UserWarning: If the pixels are likely to need something that cannot be known; the mode is then `"none"`.

    Example:

    ```python
    application = keras.applications.ResNet50(include_top=False, weights=None)
    mtl.backbones.expected_preprocessing(application)  # "caffe"
    ```
    """
    if isinstance(model, Backbone) and model.preprocessing is not None:
        return model.preprocessing
    published = is_from_hub(model)  # whose pixels its image converter scales
    found = None if published else _seen_by(model)
    if isinstance(found, str | Scaling):
        return found
    if found is not None:
        # Networks that scale by themselves do so before their stem: here that was left out.
        mode = get_backbone(found.member).preprocessing
        if mode != "none":
            return mode
        if found.without_scaling is not None:
            return found.without_scaling
    if found is not None or published or isinstance(model, Backbone):
        converter = ", or the image converter of its preset" if published else ""
        warnings.warn(
            f"What {model.name!r} expects of its pixels is not known: images go in as they are, 0 to 255. Say "
            f'preprocessing="none" if that is right, else "tf", "torch", "caffe", a Scaling{converter}.',
            stacklevel=2,
        )
    return "none"


def is_from_hub(model: keras.Model) -> bool:
    """Whether the class of a model, or one that it derives from, is one of KerasHub, which need not be installed."""
    return any(kind.__module__.startswith("keras_hub.") for kind in type(model).__mro__)


def refuse_top(model: keras.Model) -> None:
    """Refuse a network of `keras.applications` that ends in ImageNet's classes.

    Raises:
        InputError: If it does.
    """
    names = [layer.name for layer in model.layers]
    if _stem(names) is not None and _found(names[-1:], _TOPS):
        raise InputError(
            f"Expected a backbone without its classification top, received: {model.name!r}, which ends in the layer "
            f"{names[-1]!r}. Make it with include_top=False, or say feature_layer=, the name of "
            "the layer that gives the features."
        )


def preprocessing_in_graph(graph: keras.Model) -> Preprocessing | Scaling | None:
    """The mode of the layers that `preprocess` made in a graph, as in files of any version; `None` if others did it.

    Args:
        graph: A functional model on images, of which a backbone is one layer.
    """
    made = {layer.name: layer for layer in graph.layers}
    last, mean = made.get("preprocessing"), made.get("preprocessing_mean")
    if last is None:
        (pixels,) = graph.inputs
        called = [(operation, inputs) for operation in graph.operations for inputs, _ in calls(operation)]
        first = [operation for operation, inputs in called if any(tensor is pixels for tensor in inputs)]
        return "none" if all(isinstance(operation, keras.Model) for operation in first) else None
    if mean is not None:
        return "caffe"
    if not isinstance(last, layers.Rescaling):
        return None
    scales, offsets = _numbers(last.scale), _numbers(last.offset)
    if _close(scales, [1 / 127.5]) and _close(offsets, [-1.0]):
        return "tf"
    averages = [[sum(constants) / 3] for constants in (TORCH_MEAN, TORCH_DEVIATION)]
    for means, deviations in ((TORCH_MEAN, TORCH_DEVIATION), averages):
        if _close(scales, [1 / (255 * d) for d in deviations]) and _close(
            offsets, [-m / d for m, d in zip(means, deviations)]
        ):
            return "torch"
    if _close(scales, [1.0]) and _close(offsets, [-sum(CAFFE_MEAN) / 3]):
        return "caffe"
    return Scaling(last.scale, last.offset)


# === The way of the pixels ===


def _seen_by(model: keras.Model) -> Preprocessing | Scaling | _Stem | None:
    """The stem that pixels reach with their values as they are, or a mode if that is certain; `None` if nothing is known."""
    if isinstance(model, Backbone) and model.preprocessing is not None:
        return model.preprocessing
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs)
    if functional_class(model) is None:
        return None
    stem = _stem([layer.name for layer in model.layers])
    pixels = {id(tensor) for tensor in model.inputs}
    for operation in model.operations:
        for inputs, outputs in calls(operation):
            if not any(id(tensor) in pixels for tensor in inputs):
                continue
            if _is_geometric(operation):
                pixels |= {id(tensor) for tensor in outputs}
            elif isinstance(operation, layers.Rescaling | layers.Normalization):
                return "none"
            elif stem is not None and (isinstance(operation, layers.Conv2D) or _found([operation.name], stem.names)):
                return stem
            else:
                return _seen_by(operation) if isinstance(operation, keras.Model) else None
    return None


def _is_geometric(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.Model):
        return all(map(_is_geometric, operation.layers))
    return isinstance(operation, _GEOMETRIC)


def _stem(names: Sequence[str]) -> _Stem | None:
    return next((stem for stem in _STEMS if all(_found(names, [pattern]) for pattern in stem.names)), None)


def _found(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _numbers(value: float | Sequence[float]) -> list[float]:
    return [float(number) for number in (value if isinstance(value, Sequence) else [value])]


def _close(found: Sequence[float], expected: Sequence[float]) -> bool:
    return len(found) == len(expected) and all(abs(one - other) < 1e-6 for one, other in zip(found, expected))
