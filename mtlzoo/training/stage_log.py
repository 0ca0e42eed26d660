"""How the epochs of all stages become one history."""

from __future__ import annotations

from typing import Any

import keras


class StageLog(keras.callbacks.Callback):
    """Adds a stage's epochs to one history. Comes first: an epoch that is over is noted, whatever breaks off afterwards.

    Args:
        history: What is added to.
        stage: The number of the stage.
    """

    def __init__(self, history: keras.callbacks.History, stage: int):
        super().__init__()
        self.history, self.stage = history, stage
        self.learning_rate = float("nan")
        self.noted: set[str] = set()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append an epoch's metrics."""
        self.history.epoch.append(epoch)
        metrics = {"stage": self.stage, "learning_rate": self.learning_rate, **(logs or {})}
        self.noted = set(metrics)
        self.add(metrics)

    def add(self, metrics: dict[str, Any]) -> None:
        """Append metrics of this epoch."""
        for name, value in metrics.items():
            self.history.history.setdefault(name, []).append(value if name == "stage" else float(value))


class Additions(keras.callbacks.Callback):
    """Comes after the others: notes the learning rate that they have left, and what they have added to the logs."""

    def __init__(self, log: StageLog):
        super().__init__()
        self.log = log

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the learning rate, which falls on from here."""
        rate = self.model.optimizer.learning_rate
        # A mirrored variable is no number.
        self.log.learning_rate = float(rate.numpy() if hasattr(rate, "numpy") else rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append what was not there before."""
        self.log.add({name: value for name, value in (logs or {}).items() if name not in self.log.noted})
