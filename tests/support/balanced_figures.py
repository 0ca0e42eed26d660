"""A few steps with every balancing method, on whatever backend Keras runs. Run as a program it writes an `.npz` file.

python balanced_figures.py OUT [REPLICAS]
"""

from __future__ import annotations

import contextlib
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers, ops
from quick_tensorflow import prepare_tensorflow

import mtlzoo as mtl
from mtlzoo import balancing

NAN = float("nan")
# One of each way in which a method takes part in a step; those that draw differ from backend to backend.
METHODS = {
    "plain": None,
    "uncertainty": balancing.Uncertainty(),
    "gradnorm": balancing.GradNorm(),
    "famo": balancing.FAMO(),
    "nash_mtl": balancing.NashMTL(update_every=2),
    "pcgrad of parameters": balancing.PCGrad("fixed", gradients="parameters"),
    "graddrop of parameters": balancing.GradDrop(leak=1.0, gradients="parameters"),
}


def figures(replicas: int = 1) -> dict[str, np.ndarray]:
    """Weights, losses and learned state after three steps."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(24, 4, 4, 3)).astype("float32")
    labels = {
        "kind": rng.integers(-1, 3, 24),
        "yes": rng.integers(-1, 2, 24).astype("float32"),
        "size": rng.normal(size=24).astype("float32"),
    }
    labels["size"][::2] = NAN
    labels["yes"][8:12] = -1  # the second half of a batch: one of two replicas has no label of this head
    labels["kind"][16:] = -1  # and no replica one of this
    start: dict[str, np.ndarray] = {}
    strategy = contextlib.nullcontext()
    if replicas > 1:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
        strategy = tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(replicas)]).scope()
    found = {}
    with strategy:
        for name, method in METHODS.items():
            inputs = keras.Input((4, 4, 3))
            x = layers.Conv2D(6, 3, activation="tanh", kernel_regularizer="l2", name="first")(inputs)
            backbone = keras.Model(inputs, layers.Conv2D(5, 2, activation="tanh", name="second")(x))
            heads = {"kind": 3, "yes": mtl.BinaryHead(loss_weight=0.5), "size": mtl.RegressionHead(scale=2.0)}
            model = mtl.build(backbone, heads, (4, 4, 3), weights=None, dropout=0.0)
            for weight in model.trainable_weights:
                key = "/".join(weight.path.split("/")[-2:])
                start.setdefault(key, 0.3 * rng.normal(size=weight.shape))
                weight.assign(start[key])
            model.compile(keras.optimizers.SGD(0.1), balancing=method)
            history = model.fit(images, labels, batch_size=8, epochs=2, shuffle=False, verbose=0).history
            found |= {
                f"{name}: {'/'.join(weight.path.split('/')[-2:])}": ops.convert_to_numpy(weight)
                for weight in model.trainable_weights
            }
            found |= {f"{name}: {key}": np.array(history[key]) for key in history if key.endswith("loss")}
            kept = model.balancer.state.kept if model.balancer else {}
            found |= {f"{name}: kept {key}": ops.convert_to_numpy(value) for key, value in kept.items()}
    return {key.replace("/", "|"): value for key, value in found.items()}


if __name__ == "__main__":
    prepare_tensorflow()
    np.savez(sys.argv[1], **figures(*map(int, sys.argv[2:])))
