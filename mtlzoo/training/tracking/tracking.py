"""One training in one or several tools, from its first stage to its report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import keras
import pandas as pd

from mtlzoo.files import writing
from mtlzoo.files.regular import open_regular
from mtlzoo.system.registries import TRACKERS
from mtlzoo.training.tracking.parameters import parameters_of
from mtlzoo.training.tracking.tool import Tool
from mtlzoo.training.tracking.track import Track
from mtlzoo.training.tracking.tracked import Tracked

if TYPE_CHECKING:
    from mtlzoo.training.trainer import Trainer

FILE = "tracking.json"


class Tracking:
    """Logs a training, and what is found out after it, in one run of each tool.

    `mtl.fit(track=...)` makes one and closes it. Whoever makes it adds to the same run afterwards: as a context it is
    closed at the end of the block.

    Args:
        track: The name of a tool, a :class:`mtlzoo.Track`, a tool's own Keras callback as you have configured it, or
            several of these; `None` for nothing.

    Raises:
        ImportError: If a tool is not installed; the message says what to install.
        ValueError: If there is no such tool.
        TypeError: If it is none of these.

    Example:

    ```python
    with mtl.training.Tracking(mtl.Track("tensorboard", folder="logs/first")) as tracking:
        mtl.fit(model, train, valid, track=tracking)
        tracking.log_report(mtl.evaluate(model, valid))
    ```
    """

    def __init__(self, track: Any = None):
        given = track if isinstance(track, list | tuple) else [] if track is None else [track]
        self.tools: list[Tool] = [_tool(each) for each in given]
        names = [tool.title for tool in self.tools]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"Expected each tool once, received several times: {', '.join(twice)}.")
        self._callbacks: list[Tracked] = []
        self._trainer: Trainer | None = None
        self._folder: Path | None = None

    def callbacks(self, trainer: Trainer, resume: str | Path | None = None) -> list[keras.callbacks.Callback]:
        """The callbacks that log a training; none on workers other than the chief.

        Args:
            trainer: The trainer, which has not run yet.
            resume: The folder with the training's state, where the runs are noted too, to be found when it goes on.
        """
        if not trainer.devices.chief:
            return []
        self._trainer, self._folder = trainer, None if resume is None else Path(resume)
        if resume is not None:
            for tool in self.tools:
                if tool.package == "tensorboard" and tool.track.folder is None:
                    tool.track = replace(tool.track, folder=Path(resume) / "tensorboard")
        self._callbacks = [Tracked(tool, self._open, trainer.history) for tool in self.tools]
        return list(self._callbacks)

    def log_report(self, report: pd.DataFrame, name: str = "report") -> None:
        """Log a report, such as that on test rows, into the runs.

        Args:
            report: What :func:`mtlzoo.evaluate` returns.
            name: What its metrics are called by, as in `report/color/score`.
        """
        for callback in self._opened():
            with callback.tolerant():
                callback.tool.log_table(name, report)

    def close(self, status: str | None = None) -> None:
        """Log the best epoch and close the runs that were opened here.

        Args:
            status: `"finished"`, `"interrupted"` or `"failed"`; by default as the training ended.
        """
        if self._trainer is None:
            return
        history, best = self._trainer.history, self._trainer.best
        status = status or ("interrupted" if history.interrupted else "finished")
        for callback in self._opened():
            callback.end_stage()
            with callback.tolerant():
                if best is not None and best.best_epoch is not None:
                    temperatures = self._trainer.model.calibration.temperatures
                    numbers = {f"temperature/{name}": value for name, value in temperatures.items()}
                    best_ones = {"best_epoch": float(best.best_epoch), "best_val_score": float(best.best)}
                    callback.tool.log_numbers(best_ones | numbers)
                callback.tool.close(status)
            callback.opened = False

    def __enter__(self) -> Tracking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.close(None if kind is None else "interrupted" if interrupted else "failed")

    def _opened(self) -> list[Tracked]:
        return [callback for callback in self._callbacks if callback.opened]

    def _open(self, tool: Tool) -> None:
        assert self._trainer is not None
        goes_on = bool(self._trainer.history.epoch)
        noted = _read(self._folder) if goes_on else {}
        run = noted.get(tool.package)
        try:
            opened = tool.open(run, {} if run else parameters_of(self._trainer))
        except Exception as error:
            hint = f" To begin a new run, remove {self._folder / FILE}." if run and self._folder else ""
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise ConnectionError(f"{tool.title}: the run could not be opened. {reason}{hint}") from error
        if self._folder is not None:
            runs = {**_read(self._folder), tool.package: opened}
            self._folder.mkdir(parents=True, exist_ok=True)
            with writing(self._folder / FILE, overwrite=True) as temporary:
                temporary.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")


def _tool(given: Any) -> Tool:
    if isinstance(given, str):
        given = Track(given)
    if isinstance(given, Track):
        return TRACKERS[given.tool](given)
    if isinstance(given, keras.callbacks.Callback):
        modules = {cls.__module__.partition(".")[0] for cls in type(given).__mro__}
        for name in TRACKERS.names():
            if name in modules or (name == "tensorboard" and isinstance(given, keras.callbacks.TensorBoard)):
                return TRACKERS[name](Track(name), given)
    names = ", ".join(f'"{name}"' for name in TRACKERS.names())
    raise TypeError(
        f"Expected `track` to be one of {names}, a mtl.Track, or the Keras callback of one of these tools, received: "
        f"{given!r}. Other callbacks are given as `callbacks`."
    )


def _read(folder: Path | None) -> dict[str, str]:
    """The runs by tool that are noted in a folder; none where the note is missing or no such thing."""
    if folder is None:
        return {}
    try:
        with open_regular(folder / FILE) as file:
            noted = json.loads(file.read().decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(run) for name, run in noted.items()} if isinstance(noted, dict) else {}
