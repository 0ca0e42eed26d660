"""The opponent: what somebody who knows Keras well writes by hand, with the same weights, images and minutes.

New heads come first on the frozen backbone, then everything with a learning rate that falls along half a cosine into the
time that is left, the best epoch is kept. Images are decoded once, augmentation is by `keras.layers`, missing labels have a
sample weight of 0. Batch normalisation stays in inference mode (`training=False`), as Keras' guide to transfer learning
says, with a small learning rate; or, by those who know of it, it is trained with a momentum of 0.9 and a larger one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from comparison.real_sets import RealSet, class_ids

from mtlzoo.data import LabelTable, image_dataset

HEADS_EPOCHS, HEADS_RATE, BATCH, DROPOUT = 2, 1e-3, 32, 0.2
RATES = {False: 3e-4, True: 1e-3}  # of everything, without and with statistics that move
MOMENTUM = 0.9


def train_plain(
    real: RealSet, network: tuple[str, float, str], length: Mapping[str, float], seed: int, moving: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, Any]]:
    """Train.

    Args:
        real: The set.
        network: The backbone, "MobileNet" or "MobileNetV2", its width, and the file with its weights.
        length: `epochs` of everything, or `minutes` from the first line to the last epoch.
        seed: What everything random is drawn from.
        moving: Whether batch normalisation is trained with a lower momentum, rather than in inference mode.

    Returns:
        Probabilities of all heads `(rows, classes)` for the validation rows and for the test rows; and how it went.
    """
    started, seconds = time.perf_counter(), 60 * length.get("minutes", math.inf)
    keras.utils.set_random_seed(seed)
    train, valid, test = real.tables
    classes = {name: len(train.heads[name].names) for name in real.heads}
    backbone, alpha, weights = network
    base = getattr(keras.applications, backbone)(
        alpha=alpha, include_top=False, weights=None, input_shape=(real.pixels, real.pixels, 3)
    )
    base.load_weights(weights)
    for layer in base.layers:
        if moving and isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    inputs = keras.Input((real.pixels, real.pixels, 3))
    features = base(keras.layers.Rescaling(1 / 127.5, -1)(inputs), training=None if moving else False)
    features = keras.layers.Dropout(DROPOUT)(keras.layers.GlobalAveragePooling2D()(features))
    outputs = {name: keras.layers.Dense(count, "softmax", name=name)(features) for name, count in classes.items()}
    model = keras.Model(inputs, outputs)
    batches = _Batches(real, classes)
    fit_rows, check_rows = batches.training(train, seed), batches.plain(valid)
    best = _Best(check_rows, started, seconds)
    base.trainable = False
    _compile(model, classes, HEADS_RATE)
    model.fit(fit_rows, epochs=HEADS_EPOCHS, validation_data=check_rows, callbacks=[best], verbose=0)
    model.set_weights(best.weights)
    base.trainable = True
    steps = len(fit_rows)
    if "epochs" in length:
        epochs = int(length["epochs"])
    else:
        _compile(model, classes, 1e-12)
        # How long an epoch takes, which the cosine has to know; the graphs are made before.
        quarter = fit_rows.take(max(steps // 4, 1))
        model.fit(quarter, epochs=1, validation_data=check_rows, verbose=0)
        begun = time.perf_counter()
        model.fit(quarter, epochs=1, verbose=0)
        fitted = time.perf_counter()
        model.evaluate(check_rows, verbose=0)
        best.epoch = epoch = 4 * (fitted - begun) + time.perf_counter() - fitted
        model.set_weights(best.weights)
        epochs = max(2, int(best.left() / epoch))
    print(f"  {HEADS_EPOCHS} epochs of the heads, {epochs} of everything", flush=True)
    _compile(model, classes, keras.optimizers.schedules.CosineDecay(RATES[moving], epochs * steps))
    model.fit(fit_rows, epochs=epochs, validation_data=check_rows, callbacks=[best], verbose=0)
    model.set_weights(best.weights)
    answers = [model.predict(batches.plain(table), verbose=0) for table in (valid, test)]
    return answers[0], answers[1], {"epochs": best.epochs}


def _compile(model: keras.Model, classes: dict[str, int], rate: Any) -> None:
    model.compile(
        keras.optimizers.Adam(rate),
        loss=dict.fromkeys(classes, "sparse_categorical_crossentropy"),
        weighted_metrics={name: ["accuracy"] for name in classes},
    )


class _Best(keras.callbacks.Callback):
    """Keeps the best epoch by the mean of all validation accuracies, and ends in time."""

    def __init__(self, rows: Any, started: float, seconds: float):
        super().__init__()
        self.rows, self.started, self.seconds = rows, started, seconds
        self.best, self.weights, self.epochs = -1.0, None, 0
        self.epoch = 0.0  # seconds, without the graph that the first one makes

    def left(self) -> float:
        return self.seconds - (time.perf_counter() - self.started)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        score = np.mean([value for name, value in logs.items() if name.startswith("val_") and "accuracy" in name])
        self.epochs += 1
        if score > self.best:
            self.best, self.weights = score, self.model.get_weights()
        if self.left() < 0.9 * self.epoch:
            self.model.stop_training = True


class _Batches:
    """`tf.data` of decoded images in memory."""

    def __init__(self, real: RealSet, classes: dict[str, int]):
        self.real, self.classes = real, classes

    def plain(self, table: LabelTable) -> tf.data.Dataset:
        return self._rows(table).batch(BATCH).prefetch(2)

    def training(self, table: LabelTable, seed: int) -> tf.data.Dataset:
        vary = keras.Sequential(
            [
                keras.layers.RandomFlip("horizontal", seed=seed),
                keras.layers.RandomRotation(20 / 360, seed=seed + 1),
                keras.layers.RandomZoom(0.2, seed=seed + 2),
                keras.layers.RandomBrightness(0.2, value_range=(0, 255), seed=seed + 3),
            ]
        )
        batches = self._rows(table).shuffle(len(table), seed=seed).batch(BATCH)
        return batches.map(lambda x, y, w: (vary(x, training=True), y, w), num_parallel_calls=2).prefetch(2)

    def _rows(self, table: LabelTable) -> tf.data.Dataset:
        size = (self.real.pixels, self.real.pixels)
        ids = {name: class_ids(table, name) for name in self.classes}
        # The mean over labelled rows, as a head's loss should be.
        weights = {
            name: (column >= 0).astype("float32") * len(column) / max((column >= 0).sum(), 1)
            for name, column in ids.items()
        }
        labels = {name: np.maximum(column, 0) for name, column in ids.items()}

        # Read as mtlzoo reads them, which is quicker than `tf.io`, and kept in memory.
        read = image_dataset(table, size, labels=False)
        images = np.concatenate([np.asarray(batch) for batch in read])
        rows = tf.data.Dataset.from_tensor_slices((images, labels, weights))
        return rows.map(lambda image, label, weight: (tf.cast(image, tf.float32), label, weight))
