"""What a run folder tells of a model: tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtlzoo import evaluation
from mtlzoo.data import Table
from mtlzoo.evaluation.plots import plot_confusion, plot_groups, plot_history
from mtlzoo.evaluation.prediction import placed_outputs
from mtlzoo.files import replacing
from mtlzoo.models import MultiTaskModel
from mtlzoo.placement import Placement
from mtlzoo.runs.pictures import plot_answers

Answered = tuple[Mapping[str, np.ndarray], Placement]


def report_run(model: MultiTaskModel, table: Table, directory: Path, answered: Answered | None = None) -> pd.DataFrame:
    """Judge a model on a table and write `report.csv`, `answers.csv` and the pictures into a folder.

    Args:
        model: The model.
        table: The rows.
        directory: Where to write.
        answered: What `placed_outputs` gave for these rows, if it is known already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table = table.for_heads(model.heads)
    predictions, placement = answered or placed_outputs(model, table)
    report = evaluation.evaluate(model, table, predictions=predictions, placement=placement)
    write_csv(directory / "report.csv", report.round(6), index=True)
    restored = {name: model.heads[name].restore(predictions[name], placement) for name in table.heads}
    answers = {name: head.decode(restored[name]) for name, head in table.heads.items()}
    frame = table.frame.copy()
    for name, decoded in answers.items():
        frame[f"{name}:answer"] = decoded["answer"]
        if "probability" in decoded:
            # A list of several where there are several answers.
            frame[f"{name}:probability"] = [np.round(cell, 6).tolist() for cell in decoded["probability"]]
    write_csv(directory / "answers.csv", frame)
    labels = table.labels()
    for name, head in table.heads.items():
        counted = head.confusion(labels[name], predictions[name])
        if counted is not None and counted[0].sum():
            (directory / "confusion").mkdir(exist_ok=True)
            plot_confusion(*counted, title=name, path=directory / "confusion" / f"{name}.png")
    plot_answers(table, answers, restored, placement, directory / "predictions.png")
    return report


def report_groups(
    model: MultiTaskModel, table: Table, by: Any, directory: Path | None = None, answered: Answered | None = None
) -> pd.DataFrame:
    """Judge a model on each group of rows; with a folder, write `groups.csv` and `groups.png` there."""
    predictions, placement = answered or placed_outputs(model, table)
    groups = evaluation.evaluate_groups(model, table, by, predictions=predictions, placement=placement)
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        write_csv(directory / "groups.csv", groups.round(6), index=True)
        plot_groups(groups, directory / "groups.png")
    return groups


def write_history(history: keras.callbacks.History, directory: Path) -> None:
    """Write `history.csv` and `history.png`."""
    frame = pd.DataFrame({"epoch": history.epoch, **history.history})
    write_csv(directory / "history.csv", frame)
    main = {name: head.metrics()[0].name for name, head in history.model.heads.items()}
    plot_history(frame, directory / "history.png", metrics=main)


def as_text(report: pd.DataFrame) -> str:
    """A report as a terminal shows it."""
    return report.to_string(float_format="{:.3f}".format, na_rep="")


def write_csv(path: Path, frame: pd.DataFrame, index: bool = False) -> None:
    """Write a table of results."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=index, lineterminator="\n")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write settings."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
