"""How long a training will take: a guess from one batch, and what its first epochs tell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mtlzoo.data import Augmentation, LabelTable, image_dataset
from mtlzoo.models import MultiTaskModel
from mtlzoo.training import Stage

BACKWARD = 3  # a step with gradients takes about three times as long as one without
STARTING = 10.0  # seconds until the first step of a stage, whose graph is made then


def guess_epochs(
    model: MultiTaskModel,
    train: LabelTable,
    valid: LabelTable,
    stages: Sequence[Stage],
    augment: str | Augmentation | None = None,
    batch_size: int = 32,
) -> list[float]:
    """About how many seconds an epoch of each stage takes: one batch is read and goes through the network once.

    Balancing methods, caches and several devices are left out of account.

    Args:
        model: The network.
        train: The training rows.
        valid: The validation rows.
        stages: The stages.
        augment: How training images are varied.
        batch_size: Rows a step.
    """
    rows = train.take(np.arange(min(batch_size, len(train))))
    started = time.monotonic()
    batches = image_dataset(rows, model.input_shape[1:3], batch_size, augment=augment, resize=model.resize)
    images = np.asarray(next(iter(batches))[0])
    reading = (time.monotonic() - started) / len(rows)
    model(images[:1], training=False)  # whatever is made or loaded at the first call
    started = time.monotonic()
    keras.tree.map_structure(keras.ops.convert_to_numpy, model(images, training=False))
    looking = (time.monotonic() - started) / len(rows)
    validating = len(valid) * (reading + looking)
    factors = [1 if stage.trainable == "heads" else BACKWARD for stage in stages]
    return [len(train) * (reading + factor * looking) + validating for factor in factors]


def guess_training(stages: Sequence[Stage], epochs: Sequence[float]) -> float:
    """About how many seconds all stages take.

    Args:
        stages: The stages.
        epochs: Seconds an epoch of each.
    """
    return sum(STARTING + stage.epochs * seconds for stage, seconds in zip(stages, epochs))


class TimeLeft(keras.callbacks.Callback):
    """Prints how long the training will go on, once the first epoch of each stage is over.

    Args:
        stages: The stages.
        epochs: About how many seconds an epoch of each takes.
        weights: How many numbers the network has: one with fewer is trained on cached features, and its time tells nothing
            of the stages that follow.
    """

    def __init__(self, stages: Sequence[Stage], epochs: Sequence[float], weights: int):
        super().__init__()
        self.stages, self.epochs, self.weights = stages, list(epochs), weights
        self.stage = -1
        self.done = 0  # epochs of this stage
        self._started = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Another stage begins."""
        self._tell()
        self.stage, self.done = self.stage + 1, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock, after all that belongs to the last epoch."""
        self._tell()
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take what the first epoch took for what the others of the stage will."""
        self.done += 1
        if self.done == 1:
            took = time.monotonic() - self._started
            took = max(took - STARTING, took / 2)
            factor = took / self.epochs[self.stage] if self.model.count_params() >= self.weights else 1.0
            later = self.stage + 1
            self.epochs[later:] = [seconds * factor for seconds in self.epochs[later:]]
            self.epochs[self.stage] = took

    def _tell(self) -> None:
        if self.done != 1:
            return
        here = (self.stages[self.stage].epochs - 1) * self.epochs[self.stage]
        after = slice(self.stage + 1, None)
        left = here + guess_training(self.stages[after], self.epochs[after])
        if left:
            print(f"About {in_words(left)} left, as the first epoch of this stage tells.", flush=True)
        self.done = 2  # told


def in_words(seconds: float) -> str:
    """A duration as one would say it: "1 minute", "2 hours 10 minutes"."""
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes if minutes < 60 else 10 * round(minutes / 10), 60)
    parts = [
        f"{number} {unit}{'s' * (number != 1)}" for number, unit in ((hours, "hour"), (minutes, "minute")) if number
    ]
    return " ".join(parts)
