"""A few short trainings, on whatever devices and backend. Run as a program it writes `.npz` files.

python replica_figures.py OUT CASE... [--folder FOLDER] [--die EPOCH]

Into the folder OUT go `1.npz`, by one device, and `2.npz`, by two of the same process: loading TensorFlow takes longer
than most of these trainings, and so does compiling: with TensorFlow one device trains without. With several workers in
`TF_CONFIG` each writes `worker0.npz` and so on instead.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from eager import eager_steps
from quick_tensorflow import prepare_tensorflow

import mtlzoo as mtl
from mtlzoo.system import workers

NAN = float("nan")
ROWS, BATCH = 21, 8  # the last batch has 5 rows
UNLABELLED = [slice(0, 4), slice(12, 16)]  # what one of two replicas has of the first two batches
NAMES = ["triangle", "rectangle"]


# The heads of each case. Batch normalisation, which boxes' heads have, is exact where batches divide evenly. A second stage
# is traced again, and so is one of few heads.
CASES = {
    "heads": [
        "binary",
        "multilabel",
        "regression",
        "classification",
        "ordinal",
        "expectation",
        "landmarks",
        "dual_task",
    ],
    "normalized": ["binary", "box", "detection"],
    "stages": ["binary", "regression"],
    "pcgrad": ["binary", "regression", "classification"],
}


def heads() -> dict[str, mtl.Head]:
    """One of every kind, under the kind's name."""
    return {
        "binary": mtl.BinaryHead(loss_weight=0.5),
        "multilabel": mtl.heads.MultiLabelHead(3),
        "regression": mtl.RegressionHead(scale=2.0),
        "classification": mtl.ClassificationHead(3, label_smoothing=0.1, class_weight="balanced"),
        "ordinal": mtl.OrdinalHead(4),
        "expectation": mtl.ExpectationHead(range(5)),
        "landmarks": mtl.LandmarkHead(2),
        "box": mtl.BoxHead(),
        "dual_task": mtl.DualTaskHead(canvas=1.0, format="rel_xyxy"),
        "detection": mtl.DetectionHead(NAMES, hidden=[8]),
    }


def labels(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Half of them missing, by chance; and in two places so that a replica has none of a batch."""
    boxes = np.sort(rng.random((rows, 2, 2)), axis=1).reshape(rows, 4).astype("float32")
    boxes[:, 2:] = np.minimum(boxes[:, 2:] + 0.05, 1)
    objects = np.full((rows, 2, 6), NAN, "float32")
    objects[:, 0, :4], objects[:, 0, 4:] = boxes, np.eye(2)[rng.integers(2, size=rows)]
    found = {
        "binary": rng.integers(0, 2, rows).astype("float32"),
        "multilabel": rng.integers(0, 2, (rows, 3)).astype("float32"),
        "regression": rng.normal(size=(rows, 1)).astype("float32"),
        "classification": rng.integers(0, 3, rows),
        "ordinal": rng.integers(0, 4, rows),
        "expectation": rng.integers(0, 5, (rows, 1)).astype("float32"),
        "landmarks": rng.random((rows, 2, 2)).astype("float32"),
        "box": boxes,
        "dual_task": np.float32(np.column_stack([rng.integers(0, 2, rows), boxes[:, [0, 2, 1, 3]]])),
        "detection": objects,
    }
    for name, values in found.items():
        missing = rng.random(rows) < 0.5
        for part in UNLABELLED:
            missing[part] = True
        known = name in ("binary", "multilabel", "classification", "ordinal", "detection")
        values[missing] = -1 if known else NAN
    return found


def dataset(rows: int, seed: int, names: list[str]) -> Any:
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    images, found = rng.integers(0, 255, (rows, 8, 8, 3)).astype("uint8"), labels(rng, rows)
    return tf.data.Dataset.from_tensor_slices((images, {name: found[name] for name in names})).batch(BATCH)


def network(heads: dict[str, mtl.Head], normalized: bool = False) -> mtl.MultiTaskModel:
    import keras
    from keras import layers

    keras.utils.set_random_seed(7 + workers.index())  # the chief's weights are those of all
    images = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, strides=2, activation=None if normalized else "tanh", name="first")(images)
    if normalized:
        x = layers.BatchNormalization(momentum=0.8, name="first_bn")(x)
    x = layers.Conv2D(5, 2, activation="tanh", kernel_regularizer="l2", name="second")(x)
    backbone = keras.Model(images, x, name="tiny")
    return mtl.build(backbone, heads, weights=None, preprocessing="tf", dropout=0.0)


class Die:
    """Ends the process in the middle of an epoch, as a machine that is lost."""

    def __new__(cls, epoch: int):
        import keras

        class Callback(keras.callbacks.Callback):
            now = None

            def on_epoch_begin(self, epoch, logs=None):
                self.now = epoch

            def on_train_batch_end(self, batch, logs=None):
                if (self.now, batch) == (epoch, 1):
                    os._exit(9)

        return Callback()


def train(case: str, devices: Any, folder: str | None = None, die: int | None = None) -> dict[str, np.ndarray]:
    """The history, the weights that are left, those that `on_best` saw last, and what the model answers at both times."""
    chosen = {name: head for name, head in heads().items() if name in CASES[case]}
    fits: dict[str, Any] = {"batch_size": BATCH, "augment": None, "devices": devices, "verbose": False}
    stages = [mtl.Stage(2, 0.05, optimizer="sgd", schedule="constant")]
    normalized = case in ("normalized", "stages")
    balancing: Any = "uncertainty" if normalized else None
    if case == "pcgrad":
        balancing = mtl.balancing.PCGrad(order="fixed", gradients="parameters")
        fits["callbacks"] = [mtl.BalancingMonitor()]
    if case == "stages":
        stages.insert(0, mtl.Stage(1, 0.02, "heads", optimizer="adam"))
    if normalized:
        fits["synchronize_batch_norm"] = True
    if folder is not None:
        fits["resume"] = Path(folder) / case
    if die is not None:
        fits["callbacks"] = [*fits.get("callbacks", ()), Die(die)]
    rows = 24 if normalized else ROWS
    model, best = network(chosen, normalized), []
    prepare_tensorflow()
    known = labels(np.random.default_rng(0), rows)
    model.adapt({name: known[name] for name in chosen})
    history = mtl.fit(
        model,
        dataset(rows, 0, list(chosen)),
        dataset(13, 1, list(chosen)),
        stages,
        balancing=balancing,
        calibrate=False,  # whose temperatures follow rounding a hundredfold
        on_best=lambda model: best.append([*model.get_weights(), *(answers(model) if case == "pcgrad" else ())]),
        **fits,
    )
    assert history.model is model
    found = {f"history {name}": np.array(values) for name, values in history.history.items()}
    found |= {f"weight {place}": value for place, value in enumerate(model.get_weights())}
    found |= {f"best {place}": value for place, value in enumerate(best[-1] if best else ())}
    found |= {f"answer {place}": value for place, value in enumerate(answers(model, traced=case == "pcgrad"))}
    return found


def answers(model: Any, traced: bool = True) -> list[np.ndarray]:
    images = np.random.default_rng(2).integers(0, 255, (3, 8, 8, 3)).astype("uint8")
    found = model.predict(images, verbose=0) if traced else model(images, training=False)
    return [np.asarray(value) for value in found.values()]


def make_devices(count: int) -> None:
    """Several devices out of one processor."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_num_cpu_devices", count)
    else:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--folder")
    parser.add_argument("--die", type=int)
    options = parser.parse_args()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "__array__ implementation")
    import keras

    ways: dict[str, Any] = {"1": None, "2": "all"}
    if workers.names():
        ways = {f"worker{workers.index()}": "all"}
    else:
        make_devices(2)
    for way, devices in ways.items():
        found: dict[str, np.ndarray] = {}
        eagerly = way == "1" and keras.backend.backend() == "tensorflow"
        for case in options.cases:
            with eager_steps() if eagerly else contextlib.nullcontext():
                figures = train(case, devices, options.folder, options.die)
            found |= {f"{case}: {name}": value for name, value in figures.items()}
        np.savez(options.out / f"{way}.npz", **found)
