"""The job behind `mtlzoo suggest`: the cells to ask for, in a file that a person fills in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mtlzoo.data import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.evaluation import suggest_labels
from mtlzoo.files.spreadsheets import write_csv
from mtlzoo.models import MultiTaskModel


def training_rows(table: LabelTable) -> LabelTable:
    """Those that the table calls training rows, since labels of others are for reports; all where it has none such."""
    try:
        return _rows_of(table, "train", "training")
    except TableError:
        return table


def validation_rows(table: LabelTable) -> LabelTable:
    """Those that the table calls validation rows, since others were trained on or are for reports.

    Raises:
        TableError: If its column of parts gives none to validation.
    """
    try:
        return _rows_of(table, "valid", "validation")
    except TableError as error:
        told = "Rows are wanted that the model was not trained on: name their part with --part, or give a table of them"
        raise TableError(f"{error} {told}.") from None


def _rows_of(table: LabelTable, part: str, name: str) -> LabelTable:
    chosen = table.part(part)
    others = len(table) - len(chosen)
    if others:
        told = f"{others:,} rows are left out that column {table.split!r} does not give to {name}"
        print(f"Note: {told}; --part takes others.", file=sys.stderr)
    return chosen


def suggest(models: Sequence[MultiTaskModel], table: LabelTable, options: argparse.Namespace) -> None:
    """Write or print the cells that are worth asking for; what stands in files of corrections is not asked again.

    Args:
        models: The models.
        table: The rows, with their corrections.
        options: Those of the command.
    """
    how = {"seed": options.seed, "test_time_augmentation": options.test_time_augmentation}
    frame = suggest_labels(list(models), table, options.budget, asked=options.corrections, **how)
    if not len(frame):
        print("No label is missing that could be asked for.")
        return
    if options.out is None:
        print(frame.drop(columns="label").to_string(index=False))
        return
    write_csv(options.out, frame, overwrite=options.overwrite, raw_cells=options.raw_cells)
    print(f"Wrote {len(frame)} cells to {options.out}: fill in the column label, and give it to --corrections.")
