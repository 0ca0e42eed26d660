"""How long a stage that trains the heads alone takes: `mtl.fit` with cached features against plain Keras' frozen `fit`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from benchmarks.input_pipeline import SOURCES, write_photographs
from keras import layers

import mtlzoo as mtl

FILES, BATCH, RATE = 100, 32, 1e-3
CLASSES = {name: len(values) for name, values in mtl.data.FASHIONAI_ATTRIBUTES.items()}


def make_table(folder: Path, rows: int, seed: int = 0) -> mtl.data.LabelTable:
    """Rows with one label each, as FashionAI has them, over a hundred JPEG files of about 400 x 300 pixels in turn."""
    paths = write_photographs(folder, SOURCES["about 400x300"], FILES, seed)
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"image": [paths[row % FILES] for row in range(rows)]})
    asked = rng.integers(len(CLASSES), size=rows)
    for place, (name, classes) in enumerate(CLASSES.items()):
        answers = rng.integers(classes, size=rows).astype(object)
        frame[name] = np.where(asked == place, answers, None)
    heads = {
        name: mtl.ClassificationHead([str(value) for value in range(classes)]) for name, classes in CLASSES.items()
    }
    return mtl.data.LabelTable(frame, heads)


def train_plain(table: mtl.data.LabelTable, pixels: int, epochs: int, layer: str | None = None) -> float:
    """Plain Keras as its transfer learning guide has it: decoding in `tf.data` on all cores, the backbone frozen."""
    import tensorflow as tf

    paths, labels = table.paths(), table.labels()

    def load(path: tf.Tensor, targets: dict[str, tf.Tensor]):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (pixels, pixels)), targets

    rows = tf.data.Dataset.from_tensor_slices((paths, labels)).shuffle(len(paths), seed=0)
    rows = rows.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    backbone = keras.applications.MobileNet((pixels, pixels, 3), alpha=0.25, include_top=False, weights=None)
    if layer is not None:
        backbone = keras.Model(backbone.input, backbone.get_layer(layer).output)
    backbone.trainable = False
    images = keras.Input((pixels, pixels, 3))
    features = layers.Rescaling(1 / 127.5, -1.0)(images)
    features = layers.GlobalAveragePooling2D()(backbone(features, training=False))
    features = layers.Dropout(0.2)(features)
    outputs = {
        name: layers.Dense(classes, activation="softmax", name=name)(features) for name, classes in CLASSES.items()
    }
    model = keras.Model(images, outputs)
    losses = {name: keras.losses.SparseCategoricalCrossentropy(ignore_class=-1) for name in CLASSES}
    start = time.perf_counter()
    model.compile(
        keras.optimizers.Adam(RATE), loss=losses, metrics=dict.fromkeys(CLASSES, "sparse_categorical_accuracy")
    )
    model.fit(rows, epochs=epochs, shuffle=False, verbose=0)  # they are in a new order each epoch
    return time.perf_counter() - start


def train_here(
    table: mtl.data.LabelTable, pixels: int, epochs: int, features: str | None = "auto", layer: str | None = None
) -> float:
    """`mtl.fit` from the same files."""
    size = (pixels, pixels, 3)
    model = mtl.build("mobilenet", table.heads, size, weights=None, alpha=0.25, feature_layer=layer)
    start = time.perf_counter()
    stage = mtl.Stage(epochs, RATE, "heads", schedule="constant")
    mtl.fit(model, table, stages=stage, batch_size=BATCH, augment=None, features=features, verbose=False)
    return time.perf_counter() - start


def benchmark_features(
    images: int = 2000, epochs: int = 20, full: bool = False, layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures the seconds of some epochs on the heads of MobileNet 0.25, from JPEG files, compiling included.

    Args:
        images: How many rows are trained on at 96 pixels.
        epochs: How often.
        full: At least 5,000 images, at 224 pixels too; plain Keras alone takes a quarter of an hour then.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a size and way: `pixels`, `images`, `epochs`, `way`, `seconds` and `times_plain`, how many times faster than
        plain Keras.
    """
    rows: list[dict[str, str | float]] = []
    images = max(images, 5000) if full else images
    ways: dict[str, Callable[..., float]] = {
        "plain Keras, frozen": partial(train_plain, layer=layer),
        "mtl.fit": partial(train_here, layer=layer),
    }
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(Path(folder), images)
        for pixels in (96, 224) if full else (96,):
            seconds = {way: train(table, pixels, epochs) for way, train in ways.items()}
            first = next(iter(seconds.values()))
            rows += [
                {"pixels": pixels, "images": images, "epochs": epochs, "way": way}
                | {"seconds": round(value, 2), "times_plain": round(first / value, 2)}
                for way, value in seconds.items()
            ]
    return rows
