"""TensorFlow prepared for many small models, each of which runs a few steps only: their graphs are made in half the time.

Two things that pay over thousands of steps cost most of the first one. TensorFlow optimises a graph before it runs it: a
fifth of the time. And Keras' Adam is made of forty operations for each variable, which is half of the graph of a training
step; TensorFlow has one that computes the same, see `tests/unit/house/test_quick_tensorflow.py`. Commands and
programs of users run without this, in processes of their own.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

_done = False


def prepare_tensorflow() -> None:
    """Prepare this process, once, if Keras is loaded and runs on TensorFlow."""
    global _done
    if _done or "keras" not in sys.modules or sys.modules["keras"].backend.backend() != "tensorflow":
        return
    import keras
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    keras.optimizers.Adam.update_step = quick_update(keras.optimizers.Adam.update_step)
    _done = True


def quick_update(update_step: Any) -> Any:
    """Adam's update of one variable by one operation where that is possible, as Keras does it elsewhere."""
    import tensorflow as tf

    @functools.wraps(update_step)
    def update(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        place = self._get_variable_index(variable)
        states = [state[place].value for state in (self._momentums, self._velocities)]
        plain = all(type(each).__name__ == "ResourceVariable" for each in (variable, *states))
        if self.amsgrad or not plain or not isinstance(gradient, tf.Tensor) or variable.dtype != tf.float32:
            return update_step(self, gradient, variable, learning_rate)
        first, second = _powers(self)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=states[0].handle,
            v=states[1].handle,
            beta1_power=first,
            beta2_power=second,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

    return update


def _powers(optimizer: Any) -> tuple[Any, Any]:
    """Both decay rates to the power of the step's number: the same for all variables, so made once for a graph."""
    import keras
    import tensorflow as tf

    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    known = getattr(optimizer, "_quick_powers", (None, None))
    if graph is not None and known[0] is graph:
        return known[1]
    step = tf.cast(keras.ops.convert_to_tensor(optimizer.iterations) + 1, tf.float32)
    powers = (tf.pow(optimizer.beta_1, step), tf.pow(optimizer.beta_2, step))
    if graph is not None:
        object.__setattr__(optimizer, "_quick_powers", (graph, powers))
    return powers
