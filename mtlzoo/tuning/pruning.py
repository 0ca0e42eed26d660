"""The callback between a training and its trial."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import optuna


class Pruning(keras.callbacks.Callback):
    """Tells a trial the score of each epoch, and ends a training that is worse than others were at that epoch.

    Args:
        trial: Optuna's trial.
        until: When the search ends, by the monotonic clock; `None` for never.
    """

    def __init__(self, trial: optuna.Trial, until: float | None = None):
        super().__init__()
        self.trial, self.until = trial, until
        self.epochs = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report, and ask."""
        self.epochs = epoch + 1
        self.trial.report(float((logs or {})["val_score"]), epoch)
        if self.until is not None and time.monotonic() > self.until:
            raise KeyboardInterrupt  # which ends a training as Ctrl-C does
        if self.trial.should_prune():
            from optuna import TrialPruned

            raise TrialPruned
