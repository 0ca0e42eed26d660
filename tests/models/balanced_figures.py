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
from keras import layers

import mtlzoo as mtl
from mtlzoo import balancing
from mtlzoo.balancing import BALANCING, LossWeighting

NAN = float("nan")
BY_CHANCE = {
    "rlw",
    "graddrop",
    "gradvac",
}  # draws differ from backend to backend, and with the size of a replica's share


def methods() -> dict[str, balancing.Balancing]:
    """Every method that draws nothing, gradient balancing in both ways."""
    found = {}
    for name, cls in BALANCING.items():
        if issubclass(cls, LossWeighting) and name not in BY_CHANCE:
            found[name] = cls()
        elif name not in BY_CHANCE:
            order = {"order": "fixed"} if name == "pcgrad" else {}
            for gradients in ("representation", "parameters"):
                found[f"{name} {gradients}"] = cls(**order, gradients=gradients)
    return {**found, "graddrop leak": balancing.GradDrop(leak=1.0), "famo free": balancing.FAMO(recompute=False)}


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
        for name, method in methods().items():
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
                f"{name}: {'/'.join(weight.path.split('/')[-2:])}": np.array(weight)
                for weight in model.trainable_weights
            }
            found |= {f"{name}: {key}": np.array(history[key]) for key in history if key.endswith("loss")}
            found |= {f"{name}: kept {key}": np.array(value) for key, value in model.balancer.state.kept.items()}
    return {key.replace("/", "|"): value for key, value in found.items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **figures(*map(int, sys.argv[2:])))
