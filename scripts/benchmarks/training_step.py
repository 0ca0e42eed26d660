"""What a training step of the whole network takes beside one of plain Keras, and when the first one is over."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import keras
import numpy as np

import mtlzoo as mtl

BATCH, HEADS, CLASSES = 32, 8, 5
CASES = {("MobileNet", 96): {"alpha": 0.25}, ("MobileNetV2", 128): {"alpha": 0.35}}
"""Networks of `keras.applications` and sizes, with their options."""
LARGE = {("ResNet50", 96): {}, ("EfficientNetB0", 96): {}, ("NASNetMobile", 96): {}}


def benchmark_training_step(
    rounds: int = 40, full: bool = False, layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures steps of `fit` on one batch that stays in memory, of mtlzoo and of plain Keras in turns.

    Both have the same network and eight heads of five classes, half of the labels missing, Adam, and the accuracy of each
    head; plain Keras is told of missing labels by sample weights.

    Args:
        rounds: How many steps each has; medians are reported, without the first quarter.
        full: ResNet50, EfficientNetB0 and NASNetMobile too.
        layer: The layer at which MobileNet ends, alone, for a quick trial; `None` for all networks in full.

    Returns:
        One row a network: `backbone`, `pixels`, `step_ms`, `plain_step_ms`, `over_plain`, the ratio of both, and
        `first_over_plain`, that of the seconds until the first step is over.
    """
    cases = {**CASES, **(LARGE if full else {})} if layer is None else {("MobileNet", 96): CASES["MobileNet", 96]}
    return [
        {"backbone": name, "pixels": pixels, **_measure(name, pixels, options, rounds, layer)}
        for (name, pixels), options in cases.items()
    ]


def _measure(name: str, pixels: int, options: dict[str, float], rounds: int, layer: str | None) -> dict[str, float]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH, pixels, pixels, 3)).astype("float32")
    labels = {f"head_{number}": rng.integers(0, CLASSES, BATCH) for number in range(HEADS)}
    known = {head: (rng.random(BATCH) < 0.5).astype("float32") for head in labels}
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).predict(
        np.zeros((1, 2)), verbose=0
    )  # TensorFlow begins
    plain = _plain(name, pixels, options, layer)
    own = mtl.build(name, dict.fromkeys(labels, CLASSES), feature_layer=layer, **_own(pixels, options))
    own.compile(keras.optimizers.Adam(1e-4))
    missing = {head: np.where(known[head] > 0, values, -1) for head, values in labels.items()}
    ways: dict[str, Callable[[], object]] = {
        "plain": lambda: plain.train_on_batch(images, labels, known),
        "own": lambda: own.train_on_batch(images, missing),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, step in ways.items():
            start = time.perf_counter()
            step()
            seconds[way].append(time.perf_counter() - start)
    steps = {way: values[rounds // 4 :] for way, values in seconds.items()}
    return {
        "step_ms": 1000 * statistics.median(steps["own"]),
        "plain_step_ms": 1000 * statistics.median(steps["plain"]),
        "over_plain": statistics.median(one / two for one, two in zip(steps["own"], steps["plain"])),
        "first_over_plain": seconds["own"][0] / seconds["plain"][0],
    }


def _own(pixels: int, options: dict[str, float]) -> dict[str, object]:
    return {"input_shape": (pixels, pixels, 3), "weights": None, **options}


def _plain(name: str, pixels: int, options: dict[str, float], layer: str | None) -> keras.Model:
    base = getattr(keras.applications, name)(include_top=False, **_own(pixels, options))
    end = base.output if layer is None else base.get_layer(layer).output
    features = keras.layers.GlobalAveragePooling2D()(end)
    names = [f"head_{number}" for number in range(HEADS)]
    outputs = {head: keras.layers.Dense(CLASSES, "softmax", name=head)(features) for head in names}
    model = keras.Model(base.input, outputs)
    losses = dict.fromkeys(names, "sparse_categorical_crossentropy")
    model.compile(keras.optimizers.Adam(1e-4), losses, weighted_metrics={head: ["accuracy"] for head in names})
    return model
