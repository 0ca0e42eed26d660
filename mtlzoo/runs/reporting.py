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
from mtlzoo.data import Table, load_image
from mtlzoo.evaluation.plots import plot_confusion, plot_history, plot_predictions
from mtlzoo.files import replacing
from mtlzoo.heads import Head
from mtlzoo.models import MultiTaskModel

PICTURES = 12


def report_run(model: MultiTaskModel, table: Table, directory: Path) -> pd.DataFrame:
    """Judge a model on a table and write `report.csv`, `answers.csv` and the pictures into a folder."""
    directory.mkdir(parents=True, exist_ok=True)
    table = table.for_heads(model.heads)
    predictions = evaluation.outputs(model, table)
    report = evaluation.evaluate(model, table, predictions=predictions)
    write_csv(directory / "report.csv", report.round(6), index=True)
    answers = {name: head.decode(predictions[name]) for name, head in table.heads.items()}
    frame = table.frame.copy()
    for name, decoded in answers.items():
        frame[f"{name}:answer"] = decoded["answer"]
        if "probability" in decoded:
            frame[f"{name}:probability"] = np.round(decoded["probability"], 6)
    write_csv(directory / "answers.csv", frame)
    labels = table.labels()
    for name, head in table.heads.items():
        counted = head.confusion(labels[name], predictions[name])
        if counted is not None and counted[0].sum():
            (directory / "confusion").mkdir(exist_ok=True)
            plot_confusion(*counted, title=name, path=directory / "confusion" / f"{name}.png")
    plot_answers(table, answers, directory / "predictions.png")
    return report


def plot_answers(table: Table, answers: Mapping[str, Mapping[str, Any]], path: Path, pictures: int = PICTURES) -> None:
    """A grid of pictures with predicted and true labels, spread over the heads so that each is seen."""
    labelled = table.labelled()
    rng = np.random.default_rng(0)
    chosen: list[int] = []
    for turn in range(pictures):
        rows = np.setdiff1d(np.flatnonzero(labelled.iloc[:, turn % labelled.shape[1]]), chosen)
        if len(rows):
            chosen.append(int(rng.choice(rows)))
    images, captions, paths, labels = [], [], table.paths(), table.labels()
    for row in chosen:
        images.append(load_image(paths[row], (256, 256), resize="pad"))
        lines: list[tuple[str, bool | None]] = []
        for name, head in table.heads.items():
            if labelled[name].iloc[row]:
                truth = _truth(head, labels[name][[row]], table.frame[name].iloc[row])
                lines += _lines(name, answers[name]["answer"][row], truth, hasattr(head, "names"))
        captions.append(lines)
    if images:
        plot_predictions(images, captions, path=path)


def _truth(head: Head, target: np.ndarray, cell: Any) -> str:
    """A label as the head's answers would write it, whatever stands in the cell: an id, a soft label, tags in any order."""
    names = getattr(head, "names", None)
    if names is None:
        return str(cell)
    strata = head.strata(target)[0]
    if np.ndim(strata) == 0:
        return names[strata]
    return ";".join(name for name, given in zip(names, strata) if given == 1) or "none"


def _lines(name: str, answer: Any, truth: str, named: bool) -> list[tuple[str, bool | None]]:
    if not named:
        shown = " ".join(f"{number:.3g}" for number in np.ravel(answer))
        return [(f"{name}: {shown} (true {truth})", None)]
    right = answer == truth
    return [(f"{name}: {answer}", right), *([] if right else [(f"true: {truth}", None)])]


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
