"""How long a training will take: a guess from a few batches, and what its first epochs tell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mtlzoo.data import LabelTable, image_dataset
from mtlzoo.models import MultiTaskModel
from mtlzoo.training import Recipe, Stage
from mtlzoo.training.batch_clock import BatchClock

BACKWARD = 3  # a step with gradients takes about three times as long as one without
BATCHES = 4  # that are read to see how long one takes
STARTING = 10.0  # seconds until the first step of a stage, whose graph is made then


def guess_epochs(
    model: MultiTaskModel,
    train: LabelTable,
    valid: LabelTable,
    recipe: Recipe,
) -> list[float]:
    """About how many seconds an epoch of each stage takes: a few batches are read, and one goes through the network.

    Balancing methods, caches and several devices are left out of account.

    Args:
        model: The network.
        train: The training rows.
        valid: The validation rows.
        recipe: How the model is trained.
    """
    batch_size = recipe.batch_size
    rows = train.take(np.arange(min(BATCHES * batch_size, len(train))))
    clock, started = BatchClock(), time.monotonic()
    for batch in image_dataset(rows, model.input_shape[1:3], batch_size, augment=recipe.augment, resize=model.resize):
        images = np.asarray(batch[0])
        clock.tick()
    reading = (clock.each or time.monotonic() - started) * clock.batches / len(rows)
    for _ in range(2):  # at the first call its graph is made
        started = time.monotonic()
        model.predict_on_batch(images)
    looking = (time.monotonic() - started) / len(images)
    validating = len(valid) * (reading + looking)
    factors = [1 if stage.trainable == "heads" else BACKWARD for stage in recipe.stages]
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
        self.training, self.validation = BatchClock(), BatchClock()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Another stage begins."""
        self._tell()
        self.stage, self.done = self.stage + 1, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clocks, after all that belongs to the last epoch."""
        self._tell()
        self.training, self.validation = BatchClock(), BatchClock()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """A step is done."""
        self.training.tick()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """A batch of validation is done."""
        self.validation.tick()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take what the first epoch took for what the others of the stage will."""
        self.done += 1
        seconds = _all_batches(self.training)
        if self.done > 1 or seconds is None:
            return
        seconds += _all_batches(self.validation) or 0.0
        later, guessed = self.stage + 1, self.epochs[self.stage]
        if guessed and self.model.count_params() >= self.weights:
            self.epochs[later:] = [epoch_seconds * seconds / guessed for epoch_seconds in self.epochs[later:]]
        self.epochs[self.stage] = seconds

    def _tell(self) -> None:
        if self.done != 1:
            return
        here = (self.stages[self.stage].epochs - 1) * self.epochs[self.stage]
        after = slice(self.stage + 1, None)
        left = here + guess_training(self.stages[after], self.epochs[after])
        if left:
            print(f"About {in_words(left)} left, as the first epoch of this stage tells.", flush=True)
        self.done = 2  # told


def _all_batches(clock: BatchClock) -> float | None:
    """The time of all batches of an epoch, as those after the first tell."""
    return None if clock.each is None else clock.each * clock.batches


def in_words(seconds: float) -> str:
    """A duration as one would say it: "1 minute", "2 hours 10 minutes"."""
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes if minutes < 60 else 10 * round(minutes / 10), 60)
    parts = [
        f"{number} {unit}{'s' * (number != 1)}" for number, unit in ((hours, "hour"), (minutes, "minute")) if number
    ]
    return " ".join(parts)
