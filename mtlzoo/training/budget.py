"""A training that fits into a given time: how long steps take, and how many epochs of each stage that makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.models import MultiTaskModel
from mtlzoo.training.batch_clock import BatchClock
from mtlzoo.training.stages import Stage

if TYPE_CHECKING:
    import tensorflow as tf

MEASURED = 3.0  # seconds of steps that are measured, twice
RESERVE = 0.04  # of the time, for what comes between the epochs
HEADS = 0.25  # of the time, at most, for stages that train the heads alone


class StepClock(keras.callbacks.Callback):
    """Measures steps, and ends training or evaluation after some time.

    Args:
        seconds: How long to measure, from the end of the first step.
        most: How many steps to measure at most.
    """

    def __init__(self, seconds: float = MEASURED, most: int | None = None):
        super().__init__()
        self.seconds, self.most = seconds, most
        self.clock = BatchClock()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count a step."""
        self._tick()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count a batch of validation."""
        self._tick()

    def _tick(self) -> None:
        self.clock.tick()
        if self.clock.running > self.seconds or self.clock.batches == self.most:
            self.model.stop_training = self.model.stop_evaluating = True

    @property
    def step(self) -> float:
        """Seconds a step; of a single one all that it took."""
        return self.clock.each or self.clock.until_first


@dataclass(frozen=True)
class StepCosts:
    """What the steps of a training cost.

    Attributes:
        step: Seconds of a training step of the whole network.
        look: Seconds of a batch without training.
        start: Seconds until the first step of a stage.
        reading: Seconds that a training step takes more while images are read for the first time.
    """

    step: float
    look: float
    start: float
    reading: float = 0.0


def measure_steps(
    model: MultiTaskModel, train: Callable[[], tf.data.Dataset], valid: tf.data.Dataset | None
) -> StepCosts:
    """Train a few steps and look at a few batches, twice: then images are in the caches, as they are after an epoch.

    Args:
        model: The model, compiled; its weights are what they were afterwards.
        train: Makes batches to train on, the same ones each time.
        valid: Batches to look at; `None` for none.
    """
    weights = model.get_weights()
    first = StepClock()
    model.fit(train(), epochs=1, callbacks=[first], verbose=0)
    again = StepClock(most=first.clock.batches)
    model.fit(train(), epochs=1, callbacks=[again], verbose=0)
    step = min(first.step, again.step)
    look, start = step / 3, first.clock.until_first  # without the way back
    if valid is not None:
        looking = StepClock(MEASURED / 2)
        model.evaluate(valid, callbacks=[looking], verbose=0)
        start += looking.clock.until_first
        looking = StepClock(MEASURED / 2, most=looking.clock.batches)
        model.evaluate(valid, callbacks=[looking], verbose=0)
        look = looking.step
    model.set_weights(weights)
    model.stop_training = False
    return StepCosts(step, look, start, first.step - step)


def plan_stages(
    stages: Sequence[Stage],
    costs: StepCosts,
    batches: Sequence[int],
    seconds: float,
    areas: Sequence[float] | None = None,
) -> tuple[list[Stage], float]:
    """Stages with as many epochs as fit into the time, in the proportions that they had.

    Stages that train the heads alone keep their epochs, as long as they take a quarter of the time at most; every stage
    keeps one epoch at least.

    Args:
        stages: The stages of a recipe.
        costs: What steps cost.
        batches: The number of batches of an epoch, and that of validation.
        seconds: The time that is left.
        areas: How large each stage's images are, beside those that were measured; by default as large.

    Returns:
        The stages, and the seconds that they will take.
    """
    train, valid = batches
    epoch = [
        area * (train * (costs.step if stage.trainable != "heads" else 1.1 * costs.look) + valid * costs.look)
        for stage, area in zip(stages, areas or [1.0] * len(stages))
    ]
    fixed = len(stages) * costs.start + train * costs.reading
    left = seconds * (1 - RESERVE) - fixed
    epochs = [stage.epochs for stage in stages]
    heads = [place for place, stage in enumerate(stages) if stage.trainable == "heads"]
    others = [place for place in range(len(stages)) if place not in heads]
    if others:
        planned = sum(epochs[place] * epoch[place] for place in heads)
        room = HEADS * left
        for place in heads:
            epochs[place] = max(1, int(epochs[place] * min(1.0, room / planned)))
        left -= sum(epochs[place] * epoch[place] for place in heads)
    places = others or heads
    factor = left / sum(stages[place].epochs * epoch[place] for place in places)
    for place in places:
        epochs[place] = max(1, int(stages[place].epochs * factor))
    total = fixed + sum(count * each for count, each in zip(epochs, epoch))
    return [replace(stage, epochs=count) for stage, count in zip(stages, epochs)], total


def describe_plan(minutes: float, costs: StepCosts, stages: Sequence[Stage], seconds: float) -> str:
    """What fits into the time, in a line.

    Args:
        minutes: The time that was given.
        costs: What steps cost.
        stages: The stages with the epochs that fit.
        seconds: The time that they will take.
    """
    epochs = ", ".join(f"{stage.epochs} of {stage.trainable}" for stage in stages)
    step = f"a step takes {1000 * costs.step:.0f} ms"
    return f"{minutes:g} minutes: {step}, which makes epochs {epochs} in about {seconds / 60:.1f} minutes"


class Deadline(keras.callbacks.Callback):
    """Ends a stage where another epoch would end long after the time that was given.

    Args:
        until: When the time is over, as `time.monotonic` has it.
        reserve: How many seconds later is still in time: a plan is never exact, and a cosine that breaks off has lost its
            best epochs.
    """

    def __init__(self, until: float, reserve: float):
        super().__init__()
        self.until = until + reserve
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the clock."""
        now = time.monotonic()
        if now + (now - self._began) > self.until:
            self.model.stop_training = True
