"""Callbacks of `mtl.fit`: keep the best model, stop early, show progress."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import keras

from mtlzoo.system.progress import bar, draw, duration, redraw_seconds, time_left


class BestModel(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest value of a metric, over all stages, in memory.

    Args:
        monitor: The name of the metric in the logs; higher is better.
        on_best: Called with the model whenever there is a new best, for instance to write a file.

    Example:

    ```python
    best = mtl.training.BestModel("val_score")
    model.compile()
    model.fit(dataset, validation_data=dataset, epochs=2, callbacks=[best], verbose=0)
    best.best_epoch, best.best
    ```
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

    @property
    def weights(self) -> list[Any] | None:
        """The best weights, `None` before the first epoch."""
        return self._weights

    def take(self, weights: list[Any], best: float, best_epoch: int | None, epochs_since: int) -> None:
        """Take over what an earlier training has found.

        Args:
            weights: The best weights.
            best: The value of the metric with them.
            best_epoch: Their epoch, `None` if there was none yet.
            epochs_since: How many epochs have passed since then.
        """
        self.best, self.best_epoch, self.epochs_since = best, best_epoch, epochs_since
        self._weights = None if best_epoch is None else weights

    def begin_again(self) -> None:
        """Let the next epoch be the best so far: what comes is not measured on the same images."""
        self.best = -math.inf

    def restore(self, model: keras.Model) -> None:
        """Put the best weights back."""
        if self._weights is not None:
            model.set_weights(self._weights)


class Patience(keras.callbacks.Callback):
    """Ends a stage after so many of its epochs without a new best.

    Args:
        best: The callback that knows the best epoch; it comes before this one.
        epochs: How many epochs without a new best end the stage.

    Example:

    ```python
    best = mtl.training.BestModel("val_score")
    callbacks = [best, mtl.training.Patience(best, epochs=3)]
    ```
    """

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
    """One line an epoch with the total loss and the score; Keras' own bar would show every metric of every head.

    At a terminal and in a notebook the line moves while the epoch lasts; a file or a pipe gets it when the epoch is over.

    Args:
        title: A line to begin with, such as the name of the stage.
        epochs: The number of the last epoch.
        best: Whose new best epochs are marked.

    Example:

    ```python
    callbacks = [mtl.training.Progress("heads", epochs=5)]
    ```
    """

    def __init__(self, title: str, epochs: int, best: BestModel | None = None):
        super().__init__()
        self.title = title
        self.epochs = epochs
        self.best = best
        self._started = self._shown = 0.0
        self._open = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Print the title."""
        print(self.title, flush=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._head = f"epoch {epoch + 1:{len(str(self.epochs))}}/{self.epochs}"
        self._started = time.monotonic()
        self._shown = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar, as often as it may move."""
        now, seconds = time.monotonic(), redraw_seconds(sys.stdout)
        if seconds is None or now - self._shown < seconds:
            return
        self._shown = now
        done, steps = batch + 1, self.params.get("steps")
        if steps is None:
            self._draw(f"{self._head}  batch {done}{_metrics(logs)}")
        else:
            left = time_left(now - self._started, done, steps)
            self._draw(f"{self._head}  {bar(done / steps)}  {left}{_metrics(logs)}")

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Show that validation has begun, which takes its time after the bar is full."""
        if redraw_seconds(sys.stdout) is not None:
            self._draw(f"{self._head}  {bar(1.0)}  validating")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the finished line, with the metrics of validation."""
        mark = "  best" if self.best is not None and self.best.best_epoch == epoch else ""
        line = f"{self._head}  {duration(time.monotonic() - self._started)}{_metrics(logs)}{mark}"
        if redraw_seconds(sys.stdout) is not None:
            draw("", sys.stdout)
        print(line, flush=True)
        self._open = False

    def close(self) -> None:
        """End a line that was broken off."""
        if self._open:
            print(flush=True)
        self._open = False

    def _draw(self, line: str) -> None:
        draw(line, sys.stdout)
        self._open = True


def _metrics(logs: dict[str, Any] | None) -> str:
    values = logs or {}

    def pair(*names: str) -> str:
        shown = " ".join(f"{name} {float(values[name]):.3f}" for name in names if name in values)
        return f"  {shown}" if shown else ""

    return pair("loss", "score") + pair("val_loss", "val_score")
