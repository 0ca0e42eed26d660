"""Operations that TensorFlow writes in a way which other runtimes do not know, written in another that they know."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from mtlzoo.keras_compat import flatten_layers


@contextmanager
def portable_operations(model: keras.Model) -> Iterator[None]:
    """While a model is exported, its exact GELUs are traced as an error function, constants as such, and functions in place.

    TensorFlow 2.21 traces the GELU of transformers and ConvNeXt as `Erfc`, which neither ONNX (tf2onnx 1.17 writes a file
    that no runtime opens) nor LiteRT has (see `gelu` in
    https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/ops/nn_ops.py). A tensor that a layer keeps
    beside its variables, as the positions in KerasHub's ViT, becomes an input that nobody gives in ONNX. Convolutions in
    groups are functions for XLA in Keras' TensorFlow backend, which tf2onnx leaves as calls that no runtime knows; here they
    are traced in place. The numbers are the same but for rounding.

    Args:
        model: The model that is exported.

    Example:

    ```python
    from mtlzoo.saving.portable_operations import portable_operations

    with portable_operations(model):
        model.export("folder", format="tf_saved_model", verbose=False)
    ```
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    written, function = tf.nn.gelu, tf.function

    def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
        if approximate:
            return written(features, approximate, name)
        root, one, half = (tf.cast(number, features.dtype) for number in (math.sqrt(2.0), 1.0, 0.5))
        return half * features * (one + tf.math.erf(features / root))

    def inlined(called: Any = None, *args: Any, jit_compile: bool | None = None, **kwargs: Any) -> Any:
        if jit_compile:
            return (lambda traced: traced) if called is None else called
        return function(called, *args, jit_compile=jit_compile, **kwargs)

    kept = [
        (layer, name, value)
        for layer in flatten_layers(model)
        for name, value in vars(layer).items()
        if isinstance(value, tf.Tensor) and hasattr(value, "numpy")
    ]
    tf.nn.gelu, tf.function = gelu, inlined
    for layer, name, value in kept:
        vars(layer)[name] = value.numpy()
    try:
        yield
    finally:
        tf.nn.gelu, tf.function = written, function
        for layer, name, value in kept:
            vars(layer)[name] = value
