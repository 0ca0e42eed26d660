"""What a run folder tells of a model: tables and images."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtlzoo.cli.image_files import plot_labelled
from mtlzoo.data import LabelTable
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.prediction_files import FILE as PREDICTIONS
from mtlzoo.evaluation.prediction_files import save_predictions
from mtlzoo.files import check_output
from mtlzoo.files.spreadsheets import write_csv
from mtlzoo.models import MultiTaskModel
from mtlzoo.plotting import plot_confusion, plot_groups, plot_history
from mtlzoo.reports.sources import HISTORY, history_frame

REPORT = ("report.csv", "answers.csv", PREDICTIONS, "predictions.png")
GROUPS = ("groups.csv", "groups.png")
# What some system takes for more than a part of a name.
UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]|^\.+|[. ]+$')


def report_run(
    model: MultiTaskModel,
    table: LabelTable,
    directory: Path,
    predictions: Predictions | None = None,
    *,
    overwrite: bool = False,
    raw_cells: bool = False,
) -> pd.DataFrame:
    """Evaluate a model on a table and write `report.csv`, `answers.csv`, `predictions.npz` and plots into a folder.

    Args:
        model: The model.
        table: The rows.
        directory: Where to write.
        predictions: Those for these rows, if the network has run already.
        overwrite: Whether files of these names may be replaced.
        raw_cells: See :func:`write_csv`.

    Returns:
        The report.

    Raises:
        OutputError: If one of the files is there and not to be replaced; before anything is predicted.
    """
    table = table.for_heads(model.heads)
    check_files(directory, report_files(table.heads), overwrite=overwrite)
    directory.mkdir(parents=True, exist_ok=True)
    how = {"overwrite": overwrite, "raw_cells": raw_cells}
    predictions = Predictions.from_model(model, table) if predictions is None else predictions
    predictions = predictions.with_heads(table.heads)  # the model's own, but for names that only the table knows
    report = predictions.evaluate(table)
    write_csv(directory / "report.csv", report.round(6), index=True, **how)
    frame = table.frame.copy()
    for name, columns in predictions.decoded.items():
        frame[f"{name}:answer"] = columns["answer"]
        if "probability" in columns:
            # A list of several where an image has several predictions.
            frame[f"{name}:probability"] = [
                np.round(np.asarray(cell, "float64"), 6).tolist() for cell in columns["probability"]
            ]
    if predictions.unusual is not None:
        frame[":unusual"] = np.round(predictions.unusual, 6)
    write_csv(directory / "answers.csv", frame, **how)
    save_predictions(replace(predictions, table=table), directory / PREDICTIONS, overwrite=overwrite)
    labels = table.labels()
    for name, head in table.heads.items():
        counted = head.confusion(labels[name], predictions.outputs[name])
        if counted is not None and counted[0].sum():
            (directory / "confusion").mkdir(exist_ok=True)
            plot_confusion(*counted, title=name, path=directory / "confusion" / file_name(name), overwrite=overwrite)
    plot_labelled(table, predictions, directory / "predictions.png", overwrite=overwrite)
    return report


def report_groups(
    model: MultiTaskModel,
    table: LabelTable,
    by: Any,
    directory: Path | None = None,
    predictions: Predictions | None = None,
    *,
    overwrite: bool = False,
    raw_cells: bool = False,
) -> pd.DataFrame:
    """Evaluate a model on each group of rows; with a folder, write `groups.csv` and `groups.png` there.

    Raises:
        OutputError: If one of the files is there and not to be replaced; before anything is predicted.
    """
    if directory is not None:
        check_files(directory, GROUPS, overwrite=overwrite)
    predictions = Predictions.from_model(model, table) if predictions is None else predictions
    groups = predictions.groups(by, table)
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        write_csv(directory / "groups.csv", groups.round(6), index=True, overwrite=overwrite, raw_cells=raw_cells)
        plot_groups(groups, directory / "groups.png", overwrite=overwrite)
    return groups


def report_files(heads: Iterable[str]) -> list[str]:
    """What `report_run` writes for these heads."""
    return [*REPORT, *(f"confusion/{file_name(name)}" for name in heads)]


def file_name(head: str) -> str:
    """The name of a head's PNG file; a column may be called `../x`, or in a thousand letters."""
    safe = UNSAFE.sub("_", head).encode(errors="replace")[:100].decode(errors="ignore")
    return f"{safe}.png" if safe == head else f"{safe}-{zlib.crc32(head.encode(errors='surrogatepass')):08x}.png"


def check_files(directory: Path, names: Iterable[str], *, overwrite: bool = False) -> None:
    """Look at all files that are to be written into a folder, before hours of work depend on it.

    Raises:
        OutputError: If one of them is there and not to be replaced.
    """
    for name in names:
        check_output(directory / name, overwrite=overwrite)


def write_history(history: keras.callbacks.History, directory: Path, *, overwrite: bool = False, **how: Any) -> None:
    """Write `history.csv`, as :func:`write_csv` does, and `history.png`, in which epochs count from 1, as in the log."""
    frame = history_frame(history)
    write_csv(directory / HISTORY, frame, overwrite=overwrite, **how)
    main = {name: head.metrics()[0].name for name, head in history.model.heads.items()}
    plot_history(frame, directory / "history.png", metrics=main, overwrite=overwrite)


def as_text(report: pd.DataFrame) -> str:
    """A report as a terminal shows it, where Chinese letters take two columns."""
    with pd.option_context("display.unicode.east_asian_width", True):
        return report.to_string(float_format="{:.3f}".format, na_rep="")
