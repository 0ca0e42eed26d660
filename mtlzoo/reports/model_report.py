"""The report of a model: one page that opens without a network, and its model card."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlzoo.evaluation.grouping import By
from mtlzoo.files import check_output, writing
from mtlzoo.html import page, section
from mtlzoo.images.records import files_of
from mtlzoo.models import MultiTaskModel
from mtlzoo.reports.facts import Facts, find_facts
from mtlzoo.reports.mistake_cards import Mistakes, mistake_cards
from mtlzoo.reports.model_card import model_card
from mtlzoo.reports.pieces import sentences
from mtlzoo.reports.result_sections import (
    calibration_section,
    confusion_section,
    groups_section,
    mistakes_section,
    results_section,
    unusual_section,
)
from mtlzoo.reports.sources import Sources, Training, files_of_run, of_model, read_run
from mtlzoo.reports.training_sections import data_section, model_section, network_name, training_section

REPORT, CARD = "report.html", "README.md"
MISTAKES = 6  # of each head


@dataclass(frozen=True)
class ReportOptions:
    """What a report holds.

    Attributes:
        by: Columns to group test rows by; `None` for those that look as if they were made for that.
        mistakes: How many of each head.
        card: Where the model card is written; `None` for none.
        license: The identifier of the model's licence, for the card.
        overwrite: Whether existing files may be replaced.
    """

    by: By | None = None
    mistakes: int = MISTAKES
    card: Path | None = None
    license: str | None = None
    overwrite: bool = False

    def check(self, path: Path, inputs: Sequence[str | os.PathLike[str]] = ()) -> None:
        """Refuse files that are there and not to be replaced, or that are read.

        Raises:
            OutputError: If there is one.
        """
        for file in (path, self.card):
            if file is not None:
                check_output(file, overwrite=self.overwrite, inputs=inputs)


def report(
    model: MultiTaskModel | str | os.PathLike[str],
    test: Any = None,
    path: str | os.PathLike[str] | None = None,
    *,
    training: Training | None = None,
    by: By | None = None,
    card: str | os.PathLike[str] | None = None,
    license: str | None = None,
    mistakes: int = MISTAKES,
    images: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> str:
    """Write what a model is, how it was trained and how good it is into one HTML file that needs no network.

    It has each head's metric beside that of the trivial baseline and by group, with intervals; how well probabilities are
    calibrated; what is taken for what; the worst mistakes, and where the head looked; images unlike those of the training,
    if the model knows these; learning curves, recipe and versions.

    Args:
        model: A run folder that `mtlzoo train` wrote, or a model.
        test: The test rows of a model, as :func:`mtlzoo.evaluate` takes them; a run folder has its own.
        path: The HTML file; by default `report.html` in the run folder.
        training: How a model came about; a run folder says it itself.
        by: Columns to group test rows by, as :func:`mtlzoo.evaluation.evaluate_groups` takes them; by default all that are
            no heads and have up to 12 different values.
        card: Where to write a model card too, Markdown with the metadata that Hugging Face reads; by convention `README.md`.
        license: What the card says of the licence, an identifier such as `"apache-2.0"`.
        mistakes: How many of each head, 0 for none.
        images: The folder that the paths of a run's images start from, where it is another one by now.
        overwrite: Whether existing files may be replaced.

    Returns:
        What could not be shown, in one line, such as images that are no longer there; empty if all is there.

    Raises:
        FileNotFoundError: If there is no such run folder, or no predictions in it.
        ValueError: If a model comes without test rows or path, or a run folder with test rows.
        OutputError: If a file is there and not to be replaced; before anything is computed.
        TableError: If there is no column to group by.

    Example:

    ```python
    mtl.report(model, valid, "report.html", training=mtl.reports.Training(train=train), card="README.md")
    ```
    """
    is_run = isinstance(model, str | os.PathLike)
    if is_run == (test is not None) or (path is None and not is_run):
        raise ValueError(
            "Expected a run folder alone, or a model with its test rows and a path: mtl.report(model, test, 'report.html')."
        )
    target = Path(path) if path is not None else Path(os.fspath(model)) / REPORT
    options = ReportOptions(by, mistakes, None if card is None else Path(card), license, overwrite)
    options.check(target, files_of_run(model) if isinstance(model, str | os.PathLike) else ())
    if isinstance(model, str | os.PathLike):
        return write_report(read_run(model, images), target, options)
    return write_report(of_model(model, test, training or Training()), target, options)


def write_report(sources: Sources, path: Path, options: ReportOptions) -> str:
    """Write the report of a model, see :func:`report`.

    Args:
        sources: What it is written from.
        path: The HTML file.
        options: What is in it, and the card.
    """
    assert sources.predictions.table is not None
    options.check(path, files_of(sources.predictions.table.paths()))
    facts = find_facts(sources, options.by)
    mistakes = mistake_cards(facts, options.mistakes)
    with writing(path, overwrite=options.overwrite) as temporary:
        temporary.write_text(_page(facts, mistakes), encoding="utf-8", errors="replace")
    if options.card is not None:
        with writing(options.card, overwrite=options.overwrite) as temporary:
            temporary.write_text(model_card(facts, options.license), encoding="utf-8", errors="replace")
    return mistakes.problem


def _page(facts: Facts, mistakes: Mistakes) -> str:
    sources = facts.sources
    heads, rows = len(sources.predictions.heads), len(sources.predictions)
    network = f" on {network_name(sources)}" if network_name(sources) else ""
    lead = f"{heads} {'head' if heads == 1 else 'heads'}{network}, tested on {rows:,} rows of {sources.data}."
    return page(
        f"Report: {sources.name}",
        section("Summary", sentences(facts.sentences())),
        results_section(facts),
        groups_section(facts),
        calibration_section(facts),
        confusion_section(facts),
        mistakes_section(mistakes),
        unusual_section(facts),
        data_section(sources),
        model_section(sources),
        training_section(sources),
        lead=lead,
    )
