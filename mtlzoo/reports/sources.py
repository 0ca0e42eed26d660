"""What a report is written from: a run folder, or a model and its test rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.label_counts import count_labels
from mtlzoo.errors import InputError
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.prediction_files import FILE as PREDICTIONS
from mtlzoo.evaluation.prediction_files import load_predictions
from mtlzoo.models import MultiTaskModel
from mtlzoo.saving import load_model
from mtlzoo.training import Recipe, get_recipe
from mtlzoo.training.run_file import FILE as RUN_FILE
from mtlzoo.training.run_file import read_run_file

MODELS = ("model.h5", "model.keras")  # the latter where a layer is not built into Keras
HISTORY, LABELS = "history.csv", "labels.csv"
VERSIONS = ("mtlzoo", "keras", "tensorflow", "python")


@dataclass(frozen=True)
class Training:
    """How a model came about, as far as a report is to tell it.

    Attributes:
        train: The training rows, whose labels are counted.
        valid: The validation rows, likewise.
        history: What :func:`mtlzoo.fit` returned, or its columns as a frame.
        recipe: How it was trained, or the name of a recipe.

    Example:

    ```python
    training = mtl.reports.Training(train, valid, recipe="default")
    mtl.report(model, valid, "page.html", training=training, mistakes=0)
    ```
    """

    train: LabelTable | None = None
    valid: LabelTable | None = None
    history: keras.callbacks.History | pd.DataFrame | None = None
    recipe: str | Recipe | None = None


@dataclass(frozen=True)
class Sources:
    """All that a report is written from.

    Attributes:
        name: What the model is called.
        predictions: Those for the test rows, with their labels.
        model: The network; `None` if it is not there.
        settings: What the command that trained it was told, and versions.
        recipe: The settings of the training.
        history: A row for each epoch.
        labels: As :func:`mtlzoo.data.label_counts.count_labels` gives them.
        file: The model's file.
    """

    name: str
    predictions: Predictions
    model: MultiTaskModel | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] | None = None
    history: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None
    file: Path | None = None

    @property
    def data(self) -> str:
        """What the table is called, without the folders above it."""
        told = self.settings.get("data")
        assert self.predictions.table is not None
        return Path(str(told or self.predictions.table.source)).name or "table"


def read_run(
    folder: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    file: str | os.PathLike[str] | None = None,
    trusted: bool = False,
) -> Sources:
    """Read what a training has left in a run folder.

    Args:
        folder: The folder.
        images: As for :func:`mtlzoo.evaluation.load_predictions`.
        file: The model's file, if it is not in the folder.
        trusted: As for :func:`mtlzoo.load_model`.

    Raises:
        FileNotFoundError: If there is no such folder, or no predictions in it.
        InputError: If one of its files is damaged.
        ModelFileError: If the model cannot be loaded.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"No such run folder: {folder}.")
    predictions = load_predictions(folder, images)
    found = [Path(file)] if file is not None else [folder / name for name in MODELS if (folder / name).is_file()]
    settings = read_settings(folder)
    return Sources(
        folder.resolve().name,
        predictions,
        load_model(found[0], trusted=trusted) if found else None,
        settings,
        settings.get("recipe"),
        _frame(folder / HISTORY),
        _frame(folder / LABELS, texts=True),
        found[0] if found else None,
    )


def files_of_run(folder: str | os.PathLike[str], file: str | os.PathLike[str] | None = None) -> list[Path]:
    """The files that :func:`read_run` reads, which no report may replace; arguments are the same."""
    names = (PREDICTIONS, RUN_FILE, HISTORY, LABELS, *MODELS)
    return [Path(folder) / name for name in names] + ([] if file is None else [Path(file)])


def of_model(model: MultiTaskModel, test: Any, training: Training) -> Sources:
    """The same of a model that is at hand, which is run over its test rows.

    Args:
        model: The model.
        test: Its test rows, as :func:`mtlzoo.evaluate` takes them.
        training: How it came about.
    """
    table = read_labelled(test).for_heads(model.heads)
    parts = {"train": training.train, "valid": training.valid, "test": table}
    known = {part: rows.for_heads(model.heads) for part, rows in parts.items() if rows is not None}
    history = training.history
    if isinstance(history, keras.callbacks.History):
        history = history_frame(history)
    recipe = None if training.recipe is None else get_recipe(training.recipe).get_config()
    return Sources(
        model.name,
        Predictions.from_model(model, table),
        model,
        recipe=recipe,
        history=None if history is None or history.empty else history,
        labels=count_labels(known),
    )


def history_frame(history: keras.callbacks.History) -> pd.DataFrame:
    """A row for each epoch, counted from 1 as in the log."""
    return pd.DataFrame({"epoch": np.array(history.epoch, int) + 1, **history.history})


def read_settings(folder: Path) -> dict[str, Any]:
    """The content of a run's `run.yaml` by single names; nothing if there is none.

    Raises:
        InputError: If it is damaged.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        return {}
    try:
        return read_run_file(path).settings()
    except (OSError, ValueError) as error:
        raise InputError(str(error)) from None


def _frame(path: Path, texts: bool = False) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    try:
        names = {"head": str, "counted": str, "label": str} if texts else None
        frame = pd.read_csv(path, dtype=names, keep_default_na=not texts)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a table that `mtlzoo train` wrote, received a damaged one ({error})."
        ) from None
    return None if frame.empty else frame
