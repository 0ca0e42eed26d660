"""Labels are hidden from a training: what is left is what a poorer owner of the same images would have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mtlzoo.data import LabelTable


def one_a_row(table: LabelTable, rng: np.random.Generator) -> np.ndarray:
    """Each row keeps one of its labels, as if it had been photographed for one question: bool `(rows, heads)`."""
    labelled = table.labelled().to_numpy()
    drawn = np.where(labelled, rng.random(labelled.shape), -1)
    return labelled & (drawn == drawn.max(axis=1, keepdims=True))


def tenth(table: LabelTable, rng: np.random.Generator) -> np.ndarray:
    """A tenth of all labels is kept: bool `(rows, heads)`."""
    labelled = table.labelled().to_numpy()
    kept = np.zeros(labelled.shape, bool)
    cells = np.flatnonzero(labelled)
    kept.flat[rng.choice(cells, round(len(cells) / 10), replace=False)] = True
    return kept


def some_rows(table: LabelTable, rng: np.random.Generator, rows: int = 300) -> np.ndarray:
    """So many rows keep all of their labels, the others none: bool `(rows, heads)`."""
    labelled = table.labelled().to_numpy()
    chosen = np.zeros(len(labelled), bool)
    chosen[rng.choice(len(labelled), min(rows, len(labelled)), replace=False)] = True
    return labelled & chosen[:, None]


HIDING: dict[str, Callable[[LabelTable, np.random.Generator], np.ndarray]] = {
    "one label a row": one_a_row,
    "a tenth of the labels": tenth,
    "300 labelled rows": some_rows,
}


def hide(table: LabelTable, how: str, seed: int) -> LabelTable:
    """A table in which most labels are empty cells; nothing of them is left anywhere.

    Args:
        table: The rows.
        how: One of `HIDING`.
        seed: What is drawn from.
    """
    kept = HIDING[how](table, np.random.default_rng(seed))
    frame = table.frame.copy()
    for place, name in enumerate(table.heads):
        cells = frame[name].astype(object)
        frame[name] = cells.where(kept[:, place], None)
    return replace(table, frame=frame, remarks={})
