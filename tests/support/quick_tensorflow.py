"""TensorFlow prepared for many small models, each of which runs a few steps only: their graphs are made in less time.

TensorFlow optimises a graph before it runs it, which pays over thousands of steps and costs a fifth of the first one.
Commands and programs of users run without this, in processes of their own.
"""

from __future__ import annotations

import sys

_done = False


def prepare_tensorflow() -> None:
    """Prepare this process, once, if Keras is loaded and runs on TensorFlow."""
    global _done
    if _done or "keras" not in sys.modules or sys.modules["keras"].backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    _done = True
