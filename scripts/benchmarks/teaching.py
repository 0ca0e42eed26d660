"""What an epoch with a teacher takes beside one without."""

from __future__ import annotations

import statistics
import time
from typing import Any

import keras
import numpy as np

import mtlzoo as mtl

ROWS = 1195


class _EpochClock(keras.callbacks.Callback):
    """When each epoch began and when the last one ended, with its validation."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.times.append(time.perf_counter())


def benchmark_teaching(
    rounds: int = 3, rows: int = ROWS, epochs: int = 5, layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures epochs of `mtl.fit` without a teacher, with another model as the teacher, and with the network itself.

    The blood cells that come with the package, MobileNetV2 0.35 at 96 pixels from random weights, images kept in memory.
    An epoch is that of training, with what a teacher that is the network itself predicts before it and with validation.

    Args:
        rounds: How often each way is trained, in turns.
        rows: How many training rows.
        epochs: How many epochs a training has; the first two, in which graphs are made, are not measured.
        layer: The layer at which MobileNet ends, in place of the whole MobileNetV2, for a quick trial.

    Returns:
        One row a teacher: `teacher`, `epoch_ms`, and `over_plain`, its ratio to an epoch without one.
    """
    train, valid, _ = mtl.datasets.blood_cells().parts()
    train, valid = _some(train, rows), _some(valid, rows // 8)
    teacher = _network(train, layer)
    ways = {"none": None, "another model": mtl.Teach(teacher), "itself": mtl.Teach()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, teach in ways.items():
            clock, how = _EpochClock(), {"cache": "memory", "verbose": False}
            mtl.fit(
                _network(train, layer), train, valid, mtl.Stage(epochs, 1e-3), teach=teach, callbacks=[clock], **how
            )
            seconds[name] += np.diff(clock.times)[2:].tolist()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return [
        {"teacher": name, "epoch_ms": 1000 * value, "over_plain": value / medians["none"]}
        for name, value in medians.items()
    ]


def _some(table: mtl.data.LabelTable, rows: int) -> mtl.data.LabelTable:
    return table.take(np.linspace(0, len(table) - 1, rows).astype(int))


def _network(table: mtl.data.LabelTable, layer: str | None) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    if layer is not None:
        return mtl.MobileNet(table.heads, (32, 32, 3), weights=None, alpha=0.25, feature_layer=layer)
    return mtl.MobileNetV2(table.heads, (96, 96, 3), weights=None, alpha=0.35)
