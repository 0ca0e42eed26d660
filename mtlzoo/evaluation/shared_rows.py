"""The rows that several predictions are of: found by the names of their images, whatever their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.errors import InputError
from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.heads.texts import is_missing, label_text

HOW = "compare on the rows that all have: shared=True (on the command line --shared)"


def align_rows(runs: Mapping[str, Predictions], shared: bool = False) -> dict[str, Predictions]:
    """The predictions of the same rows in the same order.

    Args:
        runs: Predictions for rows of a table, by the name of the run.
        shared: Whether rows that not all of them have are left out.

    Returns:
        The same, in the order of the first run's rows.

    Raises:
        InputError: If there are other rows in one of them, unless they are left out; or no row is in all of them.
    """
    keys = {name: _keys(table_of(name, run)) for name, run in runs.items()}
    first, common = next(iter(keys)), set.intersection(*map(set, keys.values()))
    if not common:
        raise InputError(
            f"Expected runs with the same test rows, received: {_counts(keys)}, none of which is in all of them. Images are "
            "known by what the column of images says."
        )
    if not shared and any(len(rows) != len(common) for rows in keys.values()):
        raise InputError(
            f"Expected runs with the same test rows, received: {_counts(keys)}, of which {len(common)} are in all of them; "
            f"{HOW}."
        )
    order = [key for key in keys[first] if key in common]
    places = {name: {key: row for row, key in enumerate(rows)} for name, rows in keys.items()}
    return {name: run.take([places[name][key] for key in order]) for name, run in runs.items()}


def differing_labels(runs: Mapping[str, Predictions], head: str) -> np.ndarray:
    """Which of the same rows have not the same cell in a head's column in all tables: bool `(rows,)`."""
    columns = [_texts(table_of(name, run).frame[head]) for name, run in runs.items()]
    return np.asarray([len(set(cells)) > 1 for cells in zip(*columns, strict=True)], bool)


def table_of(name: str, run: Predictions) -> LabelTable:
    """The rows of a run.

    Raises:
        InputError: If it is one of images alone.
    """
    if run.table is None:
        raise InputError(f"Expected predictions for rows with labels, received for {name!r} those of images alone.")
    return run.table


def _keys(table: LabelTable) -> list[tuple[Any, ...]]:
    """What each row is known by: its image, the part of it that is shown, and which of several such rows it is."""
    regions = _texts(table.frame[REGION]) if REGION in table.frame and REGION not in table.heads else [""] * len(table)
    seen: Counter[tuple[str, str]] = Counter()
    keys = []
    for key in zip(map(str, table.frame[IMAGE]), regions, strict=True):
        keys.append((*key, seen[key]))
        seen[key] += 1
    return keys


def _texts(cells: pd.Series) -> list[str]:
    return ["" if is_missing(cell) else label_text(cell) for cell in cells.tolist()]


def _counts(keys: Mapping[str, Sequence[Any]]) -> str:
    return ", ".join(f"{len(rows):,} of {name}" for name, rows in keys.items())
