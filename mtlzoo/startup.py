"""Load TensorFlow without its start-up chatter."""

from __future__ import annotations

import os
import sys
import tempfile

from mtlzoo import workers


def load_quietly() -> None:
    """Import Keras and find the devices, with standard error held back.

    TensorFlow's libraries print a dozen lines about their build and about absent GPUs before any log level counts
    (https://github.com/tensorflow/tensorflow/issues/100442), so that a program's own one-line message would drown. If
    loading fails, what was held back is printed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            import keras

            if keras.backend.backend() == "tensorflow":
                import tensorflow as tf

                workers.join()
                tf.config.list_logical_devices()
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
