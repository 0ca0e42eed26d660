"""Save the state of a training after every epoch and within long ones, and resume from it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.data.content import file_digests
from mtlzoo.errors import StateError
from mtlzoo.models import MultiTaskModel
from mtlzoo.training.callbacks import BestModel
from mtlzoo.training.devices import seeds
from mtlzoo.training.stage_log import StageLog
from mtlzoo.training.state_file import read_state, write_state

FILE = "training-state.npz"
SAVE_EVERY = 10.0  # minutes


class TrainingState(keras.callbacks.Callback):
    """Saves all that an interrupted training needs to go on, after every epoch and within it, and restores it.

    That is the weights with what the balancing method has learned, the optimizer's variables, the states of random
    generators, the stage, the history, the loss factors, the best weights and their score, and what callbacks with
    `get_state` and `set_state` remember: numbers and texts only, in one file that is written beside its target and moved
    into place. Within an epoch it is also how many batches are done, and the metrics so far.

    Args:
        folder: Where the file lies.
        arguments: What training depends on, by the names of the arguments of `mtl.fit`, as texts.
        history: The history so far, which is read too.
        best: The best weights so far, likewise; `None` where nothing is validated.
        callbacks: The callbacks that may remember something.
        writes: Whether this process writes; of several workers the chief does.
        tables: The tables whose images are trained and validated on, by the names of the arguments. Every image file is
            read once for its content, and compared with what it was when the training began.

    Attributes:
        stage: The number of the stage that the file is of, from 1; 0 if there is none.
        start: The first epoch of that stage.
        over: Whether that stage is.
        batches: How many batches of the epoch after the last one are done.
        save_every: After how many minutes the state is saved within an epoch; `None` for never.
        log: What knows the learning rate that the epoch began with.
        plan: The epochs of all stages, where they were planned into a given time; else empty.

    Raises:
        StateError: If the file is of a training with other arguments or images, is damaged, or is none.
        TableError: If an image cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        arguments: Mapping[str, str],
        history: keras.callbacks.History,
        best: BestModel | None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        writes: bool = True,
        tables: Mapping[str, LabelTable] | None = None,
    ):
        super().__init__()
        self.path = Path(folder) / FILE
        if self.path.parent.exists() and not self.path.parent.is_dir():
            raise StateError(f"Expected a folder for the state of the training, received a file: {self.path.parent}.")
        self.tables = dict(tables or {})
        self._contents = [_contents(table) for table in self.tables.values()]
        self.arguments = dict(arguments)
        self.history, self.best, self.writes = history, best, writes
        self.remembering = [callback for callback in callbacks if hasattr(callback, "get_state")]
        self.stage = self.start = self.epochs = 0
        self.over = False
        self.plan: list[int] = []
        self.batches = self._skipped = 0
        self.save_every: float | None = None
        self.log: StageLog | None = None
        self._learning_rate = float("nan")
        self._saved = time.monotonic()
        self._arrays: dict[str, list[np.ndarray]] = {}
        self._notes: dict[str, Any] = {}
        if os.path.lexists(self.path):
            self._read()

    # === Reading ===

    def _read(self) -> None:
        self._notes, self._arrays = read_state(self.path)
        notes = self._notes
        # A changed seed or batch size may change the rows, too, and is what explains it.
        for name, value in sorted(self.arguments.items(), key=lambda argument: argument[0] in self.tables):
            if notes["arguments"].get(name) != value:
                raise StateError(
                    f"{self.path}: expected the arguments that the training began with, since it goes on from there: "
                    f"`{name}` was {notes['arguments'].get(name)}, received: {value}. Remove the file to begin anew."
                )
        for (name, table), contents, stored in zip(self.tables.items(), self._contents, self._arrays["images"]):
            changed = np.flatnonzero(contents != stored)
            if len(changed):
                raise StateError(
                    f"{self.path}: expected the images that the training began with, since it goes on from there: in "
                    f"`{name}` the content of {len(changed)} of {len(table)} has changed, first {table.where(changed[0])}. "
                    "Put them back, or remove the file to begin anew."
                )
        if len(notes["callbacks"]) != len(self.remembering):
            raise StateError(
                f"{self.path}: expected the {len(notes['callbacks'])} callbacks with a state that the training began with, "
                f"received: {len(self.remembering)}. Give the same ones, or remove the file to begin anew."
            )
        self.stage, self.start, self.over = notes["stage"], notes["start"], notes["over"]
        self.plan, self.batches = notes.get("plan", []), notes.get("batches", 0)
        self._learning_rate = notes.get("learning_rate", self._learning_rate)
        self.history.epoch, self.history.history = notes["epoch"], notes["history"]

    def restore(self, model: MultiTaskModel) -> None:
        """Bring a model that is compiled for the stage to where it was, and the best weights."""
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        restored = _variables(model)
        for kind, variables in restored.items():
            if [tuple(variable.shape) for variable in variables] != [value.shape for value in self._arrays[kind]]:
                raise StateError(
                    f"{self.path}: its {kind} are not those of this model and this version of Keras; remove the file to "
                    "begin anew."
                )
        for kind, variables in restored.items():
            _assign(variables, self._arrays[kind])
        for name, factor in self._notes["loss_factors"].items():
            model.set_loss_factor(name, factor)
        if self.best is not None:
            self.best.take(self._arrays.get("best") or self._arrays["weights"], *self._notes["best"])
        for callback, state in zip(self.remembering, self._notes["callbacks"], strict=True):
            callback.set_state(state)
        if self.over:
            self._notes = {}  # the next stage has its whole patience
        self._arrays = {kind: self._arrays.get(kind, []) for kind in ("weights", "metrics")} if self.batches else {}

    # === Writing ===

    def begin(self, stage: int, start: int, epochs: int) -> None:
        """Note which stage begins.

        Args:
            stage: Its number, from 1.
            start: Its first epoch, counted over all stages.
            epochs: How many epochs it has.
        """
        self.stage, self.start, self.epochs, self.over = stage, start, epochs, False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore how much of a stage's patience is left, which :class:`Patience` has just reset."""
        if self._notes and self.best is not None:
            self.best.epochs_since = self._notes["best"][2]
        self._notes, self._saved = {}, time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """In an epoch that was broken off, restore what Keras, balancing and callbacks have just set to its start."""
        self._skipped, self.batches = self.batches, 0
        if self._skipped:
            _assign(_variables(self.model)["weights"], self._arrays["weights"])
            _assign(self.model.metrics_variables, self._arrays["metrics"])
            if self.log is not None:
                self.log.learning_rate = self._learning_rate
        self._arrays = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the state, if that is so long ago."""
        if self.save_every is not None and time.monotonic() - self._saved >= 60 * self.save_every:
            self.over = False
            self._write(self._skipped + batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the state."""
        self.over = bool(self.model.stop_training) or epoch + 1 == self.start + self.epochs
        self._skipped = 0
        self._write()

    def _write(self, batches: int = 0) -> None:
        if not self.writes:
            return
        model, best = self.model, self.best
        variables = {**_variables(model), "metrics": model.metrics_variables if batches else []}
        arrays = {kind: [_numpy(variable) for variable in part] for kind, part in variables.items()}
        arrays["images"] = self._contents
        if best is not None and best.weights is not None and not _same(best.weights, arrays["weights"]):
            arrays["best"] = best.weights  # of an earlier epoch, or averages
        notes = {
            "arguments": self.arguments,
            "stage": self.stage,
            "start": self.start,
            "over": self.over,
            "batches": batches,
            "learning_rate": None if self.log is None else self.log.learning_rate,
            "plan": self.plan,
            "epoch": self.history.epoch,
            "history": self.history.history,
            "loss_factors": model.loss_factors,
            "best": None if best is None else [float(best.best), best.best_epoch, best.epochs_since],
            "callbacks": [callback.get_state() for callback in self.remembering],
        }
        write_state(self.path, notes, arrays)
        self._saved = time.monotonic()


def _variables(model: MultiTaskModel) -> dict[str, list[keras.Variable]]:
    """What changes in a model while it trains, without what is there only while a callback monitors the tasks."""
    monitoring = model.balancer is not None and model.balancer.only_monitors
    left_out = (
        {id(variable) for variable in model.balancing_state.variables} if monitoring and model.balancing_state else ()
    )
    kinds = {"weights": model.weights, "seeds": seeds(model), "optimizer": model.optimizer.variables}
    return {kind: [each for each in part if id(each) not in left_out] for kind, part in kinds.items()}


def _assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _same(weights: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(weights, others, strict=True))


def _numpy(variable: keras.Variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable.value)


def _contents(table: LabelTable) -> np.ndarray:
    """A number for the content of each row's image file."""
    return np.frombuffer(b"".join(digest[:8] for digest in file_digests(table)), np.uint64)
