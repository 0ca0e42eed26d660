"""Sums over the replicas of a training step.

TensorFlow's strategies run a step once on each replica, on a share of the batch; what is said of a batch has to be said
of the shares together. JAX's arrays are those of the whole batch already, wherever they lie.
"""

from __future__ import annotations

from typing import Any

import keras

Tensor = Any


def count() -> int:
    """How many replicas run the present step."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context is not None else 1


def total(values: Tensor) -> Tensor:
    """The sum of a tensor over replicas, the same on each of them."""
    if count() == 1:
        return values
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def shared(values: Tensor) -> Tensor:
    """The sum over replicas, whose gradient is that of this replica's own part.

    An optimizer adds the gradients of all replicas up.
    """
    if count() == 1:
        return values
    return values + keras.ops.stop_gradient(total(keras.ops.stop_gradient(values)) - values)
