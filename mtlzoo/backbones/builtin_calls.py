"""Built-in layers that compute what operations and layers compute which an `.h5` file cannot hold.

A replacement is a function of one `Call`, found by the class name of the operation in `REPLACEMENTS`. It returns the
outputs, or `None` where this call cannot be expressed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mtlzoo.backbones.preprocessing import select_channels

_MERGES = {
    "Add": keras.layers.Add,
    "Subtract": keras.layers.Subtract,
    "Multiply": keras.layers.Multiply,
    "Maximum": keras.layers.Maximum,
    "Minimum": keras.layers.Minimum,
}
_ACTIVATIONS = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "silu",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Selu": "selu",
}


@dataclass
class Call:
    """One call of an operation in a graph.

    Attributes:
        operation: The layer or raw operation that is called.
        args: Its positional arguments, symbolic tensors among them.
        layers: The layers that replaced it so far, so that an operation called twice stays one set of layers.
    """

    operation: Any
    args: tuple[Any, ...]
    layers: dict[str, keras.layers.Layer]

    def layer(self, kind: type[keras.layers.Layer], *args: Any, part: str = "", **kwargs: Any) -> keras.layers.Layer:
        """The new layer for one part of the operation; the last part, unnamed, inherits the operation's name."""
        name = f"{self.operation.name}_{part}" if part else self.operation.name
        if name not in self.layers:
            # A layer keeps its policy. A raw operation has none: it computes in the dtype of its result.
            dtype = getattr(self.operation, "dtype_policy", None) or self.result_dtype
            self.layers[name] = kind(*args, name=name, dtype=dtype, **kwargs)
        return self.layers[name]

    @property
    def result_dtype(self) -> str:
        """The dtype that the operation gives for these arguments."""
        return self.operation.compute_output_spec(*self.args).dtype


# === Arithmetic ===


def _arithmetic(call: Call) -> Any:
    """`x + y`, `x - y`, `x * y`, `x / y` of two tensors, or of a tensor and a constant for each channel or for all."""
    kind = type(call.operation).__name__
    symbolic = [isinstance(argument, keras.KerasTensor) for argument in call.args]
    if "float" not in call.result_dtype or len(call.args) != 2:
        return None
    first, second = call.args
    if all(symbolic):
        # Merging layers align shapes of different rank in another way than operations do.
        return call.layer(_MERGES[kind])([first, second]) if kind in _MERGES and first.ndim == second.ndim else None
    tensor, constant = (first, second) if symbolic[0] else (second, first)
    value = _constant(constant, tensor.shape[-1])
    if value is None:
        return None
    linear: dict[str, Callable[[], tuple[Any, Any] | None]] = {
        "Add": lambda: (1.0, value),
        "Subtract": lambda: (1.0, -value) if symbolic[0] else (-1.0, value),
        "Multiply": lambda: (value, 0.0),
        "Divide": lambda: (1.0 / value, 0.0) if symbolic[0] else None,
        "TrueDivide": lambda: (1.0 / value, 0.0) if symbolic[0] else None,
    }
    scale_and_offset = linear[kind]() if kind in linear else None
    if scale_and_offset is None:
        return None
    return call.layer(keras.layers.Rescaling, *(np.asarray(number).tolist() for number in scale_and_offset))(tensor)


def _constant(constant: Any, channels: int | None) -> np.ndarray | None:
    """A constant as float64 `()` or `(channels,)`, or `None` if it is something else."""
    if isinstance(constant, keras.Variable):
        return None  # It may be trained: its value now is not its value later.
    value = np.asarray(keras.ops.convert_to_numpy(constant), dtype="float64")
    if value.size == 1:
        return value.reshape(())
    return value.reshape(-1) if value.size == channels == value.shape[-1] else None


def _negative(call: Call) -> Any:
    return call.layer(keras.layers.Rescaling, -1.0)(call.args[0]) if "float" in call.result_dtype else None


def _cast(call: Call) -> Any:
    return call.layer(keras.layers.Rescaling, 1.0)(call.args[0]) if "float" in call.result_dtype else None


def _activation(call: Call) -> Any:
    return call.layer(keras.layers.Activation, _ACTIVATIONS[type(call.operation).__name__])(call.args[0])


# === Channels ===


def _get_item(call: Call) -> Any:
    """`images[..., i]` and `images[..., slice]`."""
    images, key = call.args
    if images.ndim != 4 or not isinstance(key, (tuple, list)) or (Ellipsis not in key and len(key) != 4):
        return None
    *others, last = key
    whole_axes = all(other is Ellipsis or other == slice(None) for other in others)
    if not whole_axes or not isinstance(last, (int, slice)):
        return None
    chosen = range(images.shape[-1])[last]
    if isinstance(chosen, range):
        return select_channels(images, chosen, name=call.operation.name)
    shape = _target_shape(images.shape[1:3])
    channel = select_channels(images, [chosen], name=f"{call.operation.name}_channel")
    return shape and call.layer(keras.layers.Reshape, shape)(channel)


def _flip(call: Call) -> Any:
    images = call.args[0]
    if images.ndim != 4 or call.operation.axis not in (-1, 3):
        return None
    return select_channels(images, range(images.shape[-1])[::-1], name=call.operation.name)


def _stack(call: Call) -> Any:
    """`stack(tensors, axis=-1)`."""
    tensors = call.args[0]
    shape = _target_shape((*tensors[0].shape[1:], 1))
    if call.operation.axis not in (-1, tensors[0].ndim) or shape is None:
        return None
    columns = [call.layer(keras.layers.Reshape, shape, part=f"part_{i}")(tensor) for i, tensor in enumerate(tensors)]
    return call.layer(keras.layers.Concatenate, axis=-1)(columns)


def _concatenate(call: Call) -> Any:
    return call.layer(keras.layers.Concatenate, axis=call.operation.axis)(call.args[0])


def _target_shape(shape: tuple[int | None, ...]) -> tuple[int, ...] | None:
    """A shape as `Reshape` wants it, which can leave open one axis only."""
    return tuple(-1 if size is None else size for size in shape) if shape.count(None) <= 1 else None


# === Layers inside keras.applications ===


def _custom_scale_layer(call: Call) -> Any:
    """InceptionResNetV2: `inputs[0] + scale * inputs[1]`."""
    shortcut, residual = call.args[0]
    scaled = call.layer(keras.layers.Rescaling, call.operation.scale, part="rescaling")(residual)
    return call.layer(keras.layers.Add)([shortcut, scaled])


def _layer_scale(call: Call) -> Any:
    """ConvNeXt: one trainable factor for each channel, which is a depthwise convolution of one pixel."""
    layer, new = call.operation, not call.layers
    depthwise = call.layer(
        keras.layers.DepthwiseConv2D,
        kernel_size=1,
        use_bias=False,
        depthwise_initializer=keras.initializers.Constant(layer.init_values),
        trainable=layer.trainable,
    )
    outputs = depthwise(call.args[0])
    if new:
        depthwise.set_weights([layer.get_weights()[0].reshape(1, 1, -1, 1)])
    return outputs


REPLACEMENTS: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys((*_MERGES, "Divide", "TrueDivide"), _arithmetic),
    **dict.fromkeys(_ACTIVATIONS, _activation),
    "Cast": _cast,
    "Concatenate": _concatenate,
    "CustomScaleLayer": _custom_scale_layer,
    "Flip": _flip,
    "GetItem": _get_item,
    "LayerScale": _layer_scale,
    "Negative": _negative,
    "Stack": _stack,
}
"""The replacement for each class of operation, by the name of the class. All are classes of Keras itself."""
