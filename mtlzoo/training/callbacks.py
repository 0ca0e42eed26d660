"""Callbacks of `mtl.fit`: keep the best model, stop early, show progress."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import keras


class BestModel(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest monitored figure, over all stages, in memory.

    Args:
        monitor: The figure; higher is better.
        on_best: Called with the model whenever there is a new best, for instance to write a file.
    """

    def __init__(self, monitor: str = "val_score", on_best: Callable[[keras.Model], None] | None = None):
        super().__init__()
        self.monitor = monitor
        self.on_best = on_best
        self.best = -math.inf
        self.best_epoch: int | None = None
        self.epochs_since = 0
        self._weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, and keep."""
        value = (logs or {}).get(self.monitor, float("nan"))
        if value > self.best:
            self.best, self.best_epoch, self.epochs_since = value, epoch, 0
            self._weights = self.model.get_weights()
            if self.on_best is not None:
                self.on_best(self.model)
        else:
            self.epochs_since += 1

    def restore(self, model: keras.Model) -> None:
        """Put the best weights back."""
        if self._weights is not None:
            model.set_weights(self._weights)


class Patience(keras.callbacks.Callback):
    """Ends a stage after so many of its epochs without a new best; see :class:`BestModel`."""

    def __init__(self, best: BestModel, epochs: int):
        super().__init__()
        self.best = best
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """A new stage has its whole patience."""
        self.best.epochs_since = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop if patience is at its end."""
        if self.best.epochs_since >= self.epochs:
            self.model.stop_training = True


class Progress(keras.callbacks.Callback):
    """One bar an epoch with the total loss and the score; Keras' own bar would show every figure of every head.

    Args:
        title: What stands before the epoch, such as the stage.
        epochs: The number of the last epoch.
        rows: Labelled rows may differ; this is the number of rows an epoch.
    """

    def __init__(self, title: str, epochs: int):
        super().__init__()
        self.title = title
        self.epochs = epochs
        self._bar: keras.utils.Progbar | None = None
        self._step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """A new bar."""
        print(f"{self.title}, epoch {epoch + 1}/{self.epochs}", flush=True)
        # A file or a pipe gets a line an epoch; a person at a terminal sees the bar move.
        verbose = 1 if sys.stdout.isatty() else 2
        self._bar = keras.utils.Progbar(self.params.get("steps"), verbose=verbose, stateful_metrics=_SHOWN)
        self._step = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar."""
        self._step = batch + 1
        if self._step != self.params.get("steps"):
            self._bar.update(self._step, _shown(logs), finalize=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Close the bar, with the validation figures."""
        self._bar.update(self._step, _shown(logs), finalize=True)


_SHOWN = ("loss", "score", "val_loss", "val_score")


def _shown(logs: dict[str, Any] | None) -> list[tuple[str, Any]]:
    return [(name, logs[name]) for name in _SHOWN if name in (logs or {})]
