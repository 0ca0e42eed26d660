"""Batch normalisation in training by TensorFlow's one operation for it, where Keras makes some twenty of it.

On two cores a training step of MobileNetV2 0.35 takes two thirds of the time so, see `scripts/benchmark.py`; the
numbers are the same but for rounding. Keras 2 had it, Keras 3 has not: https://github.com/keras-team/keras-core/issues/225
"""

from __future__ import annotations

import functools
from typing import Any

import keras

from mtlzoo.keras_compat import flatten_layers

Tensor = Any

# What the operation takes at least on an NVIDIA GPU.
LEAST_EPSILON = 1.001e-5


def fuse_batch_norm(model: keras.Model) -> None:
    """Let the batch normalisation of a model be computed by one operation when it is trained on TensorFlow.

    The layers stay what they are, with their variables, configuration and files; each object gets a `call` of its own.
    Layers of other classes, over other axes than the last of four, or synchronised over replicas are left alone.

    Args:
        model: The model, or any layer with layers inside.

    Example:

    ```python
    from mtlzoo.backbones.fused_batch_norm import fuse_batch_norm

    network = keras.applications.MobileNet(input_shape=(32, 32, 3), include_top=False, weights=None)
    fuse_batch_norm(network)
    network(np.zeros((2, 32, 32, 3)), training=True)
    ```
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in flatten_layers(model, include_self=True):
        if _can_be_fused(layer):
            layer.call = functools.partial(_call, layer, layer.call)


def _can_be_fused(layer: keras.Layer) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and "call" not in vars(layer)  # not done yet
        and not layer.synchronized
        and not getattr(layer, "renorm", False)  # since Keras 3.14
        and layer.epsilon >= LEAST_EPSILON
    )


def _call(
    layer: keras.layers.BatchNormalization,
    call: Any,
    inputs: Tensor,
    training: bool | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    last = len(inputs.shape) == 4 and layer.axis in (-1, 3)
    if not (training and layer.trainable and last and mask is None and inputs.dtype != "float64"):
        return call(inputs, training=training, mask=mask)
    return _normalize(layer, keras.ops.cast(inputs, "float32"))


def _normalize(layer: keras.layers.BatchNormalization, inputs: Tensor) -> Tensor:
    import tensorflow as tf

    channels = inputs.shape[-1]
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=keras.ops.cast(layer.gamma, "float32") if layer.scale else tf.ones(channels),
        offset=keras.ops.cast(layer.beta, "float32") if layer.center else tf.zeros(channels),
        mean=[],
        variance=[],
        epsilon=layer.epsilon,
        is_training=True,
    )
    # Keras keeps the variance of the batch itself, the operation gives an estimate for what the batch was drawn from.
    count = tf.cast(tf.size(inputs) // channels, "float32")
    variance *= (count - 1) / count
    for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + keras.ops.cast(now, moving.dtype) * (1 - layer.momentum))
    return keras.ops.cast(outputs, layer.compute_dtype)
