"""Nothing is printed that nobody asked for: TensorFlow's lines never, progress only until it is told to be quiet."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

QUIET = """
import mtlzoo as mtl
from mtlzoo.cli.runs import small_network

train, valid, test = (part.take(range(0, len(part), 25)) for part in mtl.datasets.blood_cells().parts())
model = mtl.build(small_network(32, (8,)), train.heads, preprocessing="tf")
stages = [mtl.Stage(2, 1e-3, "heads"), mtl.Stage(1, 1e-3)]
mtl.fit(model, train, valid, stages, batch_size=24, augment=None, verbose=False)  # the first stage caches features
mtl.evaluate(model, test)
mtl.predict(model, test)

import tensorflow as tf

tf.config.list_logical_devices()
if not tf.__version__.startswith("2.19."):  # which prints "Compiled cluster using XLA!" at every log level
    tf.function(lambda value: value + 1, jit_compile=True)(tf.constant(1.0))
"""


@pytest.mark.slow
def test_a_fresh_process_prints_nothing(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KERAS_BACKEND": "tensorflow"}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    result = subprocess.run(
        [sys.executable, "-c", QUIET], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
