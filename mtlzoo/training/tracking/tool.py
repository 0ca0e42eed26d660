"""What all tools that log a training have in common."""

from __future__ import annotations

import importlib.util
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import keras
import pandas as pd

from mtlzoo.training.tracking.track import Track


class Tool(ABC):
    """One run in a tool that logs trainings.

    Args:
        track: What was asked for.
        callback: The tool's own Keras callback, as somebody has configured it; `None` for the usual one.

    Attributes:
        callback: The tool's own Keras callback; without a configured one it is made when the run is open.

    Raises:
        ImportError: If the tool is not installed.
    """

    title: str
    """What people call the tool."""

    package: str
    """The Python package, which has the name of the extra."""

    skipped_events: frozenset[str] = frozenset()
    """What the tool's callback would log twice."""

    def __init__(self, track: Track, callback: keras.callbacks.Callback | None = None):
        if importlib.util.find_spec(self.package) is None:
            raise ImportError(f"{self.title} is not installed: pip install 'mtlzoo[{self.package}]'")
        self.track, self.configured = track, callback is not None
        self.callback = callback

    @abstractmethod
    def open(self, run: str | None, parameters: Mapping[str, Any]) -> str:
        """Open a run, or one that is there already, and make the callback.

        Args:
            run: The run to go on with; `None` for a new one.
            parameters: What describes the training, for a new run.

        Returns:
            What the run is found by later.
        """

    def begin_stage(self, first: bool) -> None:
        """A stage begins, which the callback takes for a training.

        Args:
            first: Whether it is the first one of this run.
        """
        assert self.callback is not None
        self.callback.on_train_begin()

    def end_stage(self) -> None:
        """A stage is over, which the callback takes for a training."""
        assert self.callback is not None
        self.callback.on_train_end()

    def end_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Log the metrics of an epoch."""
        assert self.callback is not None
        self.callback.on_epoch_end(epoch, metrics)

    @abstractmethod
    def log_numbers(self, numbers: Mapping[str, float]) -> None:
        """Log numbers that belong to the whole run."""

    @abstractmethod
    def log_table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table that belongs to the whole run."""

    @abstractmethod
    def close(self, status: str) -> None:
        """Close the run, if it was opened here.

        Args:
            status: `"finished"`, `"interrupted"` or `"failed"`.
        """


def numbers_of(name: str, frame: pd.DataFrame) -> dict[str, float]:
    """The finite numbers of a table by `name/row/column`.

    Args:
        name: What comes first.
        frame: The table.
    """
    cells = {f"{name}/{row}/{column}": frame.loc[row, column] for row in frame.index for column in frame.columns}
    return {
        key: float(value)
        for key, value in cells.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
