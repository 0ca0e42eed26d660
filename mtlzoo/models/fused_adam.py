"""Adam by TensorFlow's one operation for it, where Keras makes some thirty for each variable.

Those thirty are half of the graph of a training step: it is made, and the first step done, a quarter sooner so. The
numbers are the same but for rounding. Keras 2 had it, see
https://github.com/keras-team/keras/issues/19953
"""

from __future__ import annotations

import functools
from typing import Any

import keras

from mtlzoo.keras_compat import adam_moments, inner_optimizer

Tensor = Any

# Variables of one device; the second kind is made within a function, where Keras makes an optimizer's at its first step.
PLAIN = ("ResourceVariable", "UnliftedInitializerVariable")


def fuse_adam(optimizer: keras.Optimizer) -> None:
    """Let Keras' `Adam` or `AdamW` update each variable by one operation, on TensorFlow and where that is possible.

    The object stays what it is, with its variables, configuration and files; it gets an `update_step` of its own. Left
    to Keras are other optimizers, `amsgrad`, variables of other types than float32, and those of several devices.

    Args:
        optimizer: The optimizer, or one that scales the loss of another.

    Example:

    ```python
    from mtlzoo.models.fused_adam import fuse_adam

    optimizer = keras.optimizers.Adam(1e-3)
    fuse_adam(optimizer)
    ```
    """
    optimizer = inner_optimizer(optimizer)
    adam = type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad
    if adam and "update_step" not in vars(optimizer) and keras.backend.backend() == "tensorflow":
        optimizer.update_step = functools.partial(_update, optimizer, optimizer.update_step, {})


def _update(
    optimizer: keras.optimizers.Adam,
    update_step: Any,
    powers: dict[str, Any],
    gradient: Tensor,
    variable: Any,
    learning_rate: Tensor,
) -> None:
    import tensorflow as tf

    states = adam_moments(optimizer, variable)
    plain = all(type(each).__name__ in PLAIN for each in (variable, *states))
    if not plain or not isinstance(gradient, tf.Tensor) or variable.dtype != tf.float32:
        update_step(gradient, variable, learning_rate)
        return
    first, second = _powers(optimizer, powers)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=states[0].handle,
        v=states[1].handle,
        beta1_power=first,
        beta2_power=second,
        lr=tf.cast(learning_rate, tf.float32),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=tf.cast(gradient, tf.float32),
    )


def _powers(optimizer: keras.optimizers.Adam, known: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Both decay rates to the power of the step's number: the same for all variables, so made once for a graph."""
    import tensorflow as tf

    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    if graph is None or known.get("graph") is not graph:
        step = tf.cast(keras.ops.convert_to_tensor(optimizer.iterations) + 1, tf.float32)
        known |= {"graph": graph, "powers": (tf.pow(optimizer.beta_1, step), tf.pow(optimizer.beta_2, step))}
    powers: tuple[Tensor, Tensor] = known["powers"]
    return powers
