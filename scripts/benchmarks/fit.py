"""What an epoch of `mtl.fit` takes over the bare training step, and eight heads over one."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from benchmarks.features import BATCH, make_table

import mtlzoo as mtl

if TYPE_CHECKING:
    import tensorflow as tf

CASES = {("mobilenet", 96): 24}
"""Backbones and sizes, with how many steps an epoch has."""
LARGE = {("mobilenet", 224): 12, ("nasnetmobile", 224): 6}


class Rounds(keras.callbacks.Callback):
    """Times each epoch, and others beside it, so that whatever else the machine does falls on all of them."""

    def __init__(self, others: dict[str, Callable[[], object]]):
        super().__init__()
        self.others = others
        self.seconds: dict[str, list[float]] = {"fit": [], **{name: [] for name in others}}

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds["fit"].append(time.perf_counter() - self.start)
        for name, run in self.others.items():
            start = time.perf_counter()
            run()
            self.seconds[name].append(time.perf_counter() - start)

    def ratio(self, name: str, other: str) -> float:
        """The median over the rounds of one's time over another's; the first rounds compile and fill caches."""
        return statistics.median(one / two for one, two in zip(self.seconds[name][2:], self.seconds[other][2:]))


def bare_step(model: keras.Model, images: tf.Tensor, labels: dict[str, tf.Tensor]) -> Callable[[], object]:
    """Forward, plain cross-entropy, backward, Adam, on a batch that is there already; no masks, no metrics, no logs."""
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            answers = model(images, training=True)
            losses = [
                tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels[name], answer))
                for name, answer in answers.items()
            ]
            loss = tf.add_n(losses)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    return step


def benchmark_fit(
    rounds: int = 7, steps: int | None = None, full: bool = False, layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures an epoch of `mtl.fit` from JPEG files with eight heads, decoded images cached, beside what it is compared to.

    Args:
        rounds: How many epochs each has; medians of the rounds' ratios are reported, without the first two rounds.
        steps: How many steps an epoch has, where it is not what the size of the network suggests.
        full: 224 pixels and NASNetMobile too, and twice as many rounds.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a backbone and size: `backbone`, `pixels`, `fit_ms_a_step`, `over_bare_step`, the ratio to the bare training
        step with eight heads on resident data, and `over_one_head`, the ratio to Keras' `fit` with one head.
    """
    results = []
    for (backbone, pixels), usual in {**CASES, **(LARGE if full else {})}.items():
        with tempfile.TemporaryDirectory() as folder:
            count = steps or usual
            table = make_table(Path(folder), count * BATCH)
            results.append(_measure(backbone, pixels, count, table, rounds * 2 if full else rounds, layer))
    return results


def _measure(
    backbone: str, pixels: int, steps: int, table: mtl.data.LabelTable, rounds: int, layer: str | None
) -> dict[str, str | float]:
    import tensorflow as tf

    arguments = {"alpha": 0.25} if backbone == "mobilenet" else {}

    def build(heads: dict[str, mtl.Head]) -> keras.Model:
        return mtl.build(backbone, heads, (pixels, pixels, 3), weights=None, feature_layer=layer, **arguments)

    cache = mtl.data.ImageCache("memory")
    images, labels = next(iter(mtl.data.image_dataset(table, (pixels, pixels), BATCH)))
    known = {name: tf.constant(np.maximum(targets, 0)) for name, targets in labels.items()}
    step = bare_step(build(table.heads), images, known)
    name, head = next(iter(table.heads.items()))
    single = build({name: head})
    single.compile(keras.optimizers.Adam(1e-3))
    own = mtl.data.image_dataset(table.with_heads({name: head}), (pixels, pixels), BATCH, shuffle=True, cache=cache)
    others = {
        "bare": lambda: [step() for _ in range(steps)],
        "one head": lambda: single.fit(own, epochs=1, verbose=0),
    }
    timer = Rounds(others)
    stage, options = mtl.Stage(rounds, 1e-3), {"batch_size": BATCH, "augment": None, "cache": cache, "verbose": False}
    mtl.fit(build(table.heads), table, stages=stage, callbacks=[timer], **options)
    return {
        "backbone": backbone,
        "pixels": pixels,
        "fit_ms_a_step": round(1000 * statistics.median(timer.seconds["fit"][2:]) / steps, 1),
        "over_bare_step": round(timer.ratio("fit", "bare"), 3),
        "over_one_head": round(timer.ratio("fit", "one head"), 3),
    }
