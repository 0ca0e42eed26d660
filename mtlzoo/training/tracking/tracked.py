"""The callback between a training of several stages and a tool's own callback."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from mtlzoo.training.tracking.tool import Tool

# What a configured callback may want to see; each costs a look at each step.
STEPS = {
    "on_train_batch_begin": "on_batch_begin",
    "on_train_batch_end": "on_batch_end",
    "on_test_batch_begin": "",
    "on_test_batch_end": "",
    "on_test_begin": "",
    "on_test_end": "",
}


class Tracked(keras.callbacks.Callback):
    """Hands the epochs of all stages to a tool's own callback, as one run.

    What fails once the run is open is told once and never ends a training.

    Args:
        tool: The tool.
        begin: Opens the run, when the first stage begins: what is refused before leaves no run behind.
        history: The history, which knows the stage and the learning rate of an epoch.
    """

    def __init__(self, tool: Tool, begin: Callable[[Tool], None], history: keras.callbacks.History):
        super().__init__()
        self.tool, self.begin, self.history = tool, begin, history
        self.opened = self.staged = self.told = False
        if tool.configured:
            for event, alias in STEPS.items():
                if event not in tool.skipped_events and any(
                    name and getattr(type(tool.callback), name) is not getattr(keras.callbacks.Callback, name)
                    for name in (event, alias)
                ):
                    setattr(self, event, self._forward(event))

    def _forward(self, event: str) -> Callable[..., None]:
        def call(*arguments: Any, **named: Any) -> None:
            with self.tolerant():
                getattr(self.tool.callback, event)(*arguments, **named)

        return call

    @contextmanager
    def tolerant(self) -> Iterator[None]:
        """Let a block fail with a warning: a server that is gone costs no training."""
        try:
            yield
        except Exception as error:
            if not self.told:
                reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                warnings.warn(f"{self.tool.title} could not be written to; training goes on. {reason}", stacklevel=2)
            self.told = True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """A stage begins."""
        first = not self.opened
        if first:
            self.begin(self.tool)
            self.opened = True
        assert self.tool.callback is not None
        self.tool.callback.set_params(self.params)
        with self.tolerant():
            self.tool.callback.set_model(self.model)
            self.tool.begin_stage(first and not self.history.epoch)
            self.staged = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """An epoch begins."""
        assert self.tool.callback is not None
        with self.tolerant():
            self.tool.callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the metrics of an epoch, its stage, and its learning rate at its start."""
        known = {name: float(self.history.history[name][-1]) for name in ("stage", "learning_rate")}
        with self.tolerant():
            self.tool.end_epoch(epoch, {**known, **{name: float(value) for name, value in (logs or {}).items()}})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """A stage is over."""
        self.end_stage()

    def end_stage(self) -> None:
        """Let the tool's callback close what it has open, also after an interruption."""
        if self.staged:
            self.staged = False
            with self.tolerant():
                self.tool.end_stage()
