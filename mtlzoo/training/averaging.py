"""Validate and keep averaged weights, while training goes on with its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import keras

from mtlzoo.keras_compat import averages
from mtlzoo.models.batch_statistics import FreshStatistics
from mtlzoo.training.rows import Rows, some_images

Tensor = Any

# What statistics are computed anew over: some hundreds of images.
STATISTICS_BATCHES = 16


class AveragedWeights(keras.callbacks.Callback):
    """Puts the optimizer's averages of the weights in place for validation, with statistics of their own.

    It comes before what looks at the model after an epoch; :class:`LiveWeights` comes after that and puts the weights back
    that training goes on with. Keras' `SwapEMAWeights` leaves batch normalisation the statistics of other weights.

    Args:
        batches: Gives batches of training images for the statistics; `None` to leave them as they are.
        averaged: Whether the optimizer keeps averages; else only the statistics are new.
    """

    def __init__(self, batches: Callable[[], Iterable[Tensor]] | None, averaged: bool = True):
        super().__init__()
        self.batches, self.averaged = batches, averaged
        self.statistics: FreshStatistics | None = None
        self._kept: list[tuple[keras.Variable, Any]] = []

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self.swap_in(self.model)

    def swap_in(self, model: keras.Model) -> None:
        """Put the averages in place, and keep what was there."""
        if self._kept:
            return
        if self.statistics is None and self.batches is not None:
            self.statistics = FreshStatistics(model)
        pairs = list(zip(model.trainable_variables, averages(model.optimizer))) if self.averaged else []
        changed = [variable for variable, _ in pairs]
        if self.statistics is not None:
            changed += self.statistics.variables
        self._kept = [(variable, keras.ops.convert_to_numpy(variable)) for variable in changed]
        for variable, average in pairs:
            variable.assign(average)
        if self.statistics is not None and self.batches is not None:
            self.statistics.compute(self.batches())

    def swap_out(self) -> None:
        """Put back what was there."""
        for variable, value in self._kept:
            variable.assign(value)
        self._kept = []


class LiveWeights(keras.callbacks.Callback):
    """Ends what :class:`AveragedWeights` has begun, once everything that keeps or writes the model has seen it.

    Args:
        averaged: The callback that comes before.
    """

    def __init__(self, averaged: AveragedWeights):
        super().__init__()
        self.averaged = averaged

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back that training goes on with."""
        self.averaged.swap_out()


def end_with_live_weights(optimizer: keras.Optimizer) -> None:
    """Let an optimizer keep its averages to itself: at the end of `fit`, Keras would put them in place of the weights."""
    vars(optimizer)["finalize_variable_values"] = lambda variables: None


def averaging_over(rows: Rows, moving: bool, averaged: bool = True, few: bool = False) -> AveragedWeights:
    """What puts averaged weights in place, with statistics over some of the training images.

    Args:
        rows: The training rows.
        moving: Whether batch normalisation has statistics that move.
        averaged: Whether the optimizer keeps averages; else only the statistics are new.
        few: Whether to look at no more than an eighth of the images of a table, but at two batches.
    """
    batches = STATISTICS_BATCHES
    if few and rows.table is not None:
        batches = min(batches, max(len(rows.table) // (8 * rows.settings.batch_size), 2))
    return AveragedWeights(functools.partial(some_images, rows, batches) if moving else None, averaged)
