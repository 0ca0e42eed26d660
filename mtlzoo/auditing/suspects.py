"""Labels that are likely wrong, of all heads of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlzoo.auditing.engines import Engine
from mtlzoo.auditing.suspicion import suspect_numbers
from mtlzoo.auditing.targets import FEWEST, Target
from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.correction_files import row_numbers
from mtlzoo.heads import MultiLabelHead
from mtlzoo.heads.classes import ClassesHead

COLUMNS = ["row", "image", "head", "label", "suggestion", "suspicion"]
HEADS = ["head", "labels", "likely_wrong", "fraction"]


@dataclass(frozen=True)
class Judged:
    """What is thought of the labels of one head.

    Attributes:
        rows: Positions of rows.
        suggestions: What would be likelier, as the table's labels are written.
        suspicion: 0 to 1, falling or not.
        wrong: bool, which are likely wrong.
    """

    rows: np.ndarray
    suggestions: np.ndarray
    suspicion: np.ndarray
    wrong: np.ndarray


def find_suspects(
    table: LabelTable,
    targets: Sequence[Target],
    predictions: Sequence[np.ndarray],
    engine: Engine,
    numbers: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All labels that were looked at, the most suspicious first, and what is to be expected of each head.

    Args:
        table: The rows.
        targets: What was asked of them.
        predictions: The answers, out of fold.
        engine: What turns those of classes into suspicions.
        numbers: What each row is called; by default as in the table by itself, which may be a part of another one.

    Returns:
        Frames with the columns `row, image, head, label, suggestion, suspicion`, and `head, labels, likely_wrong, fraction`.
    """
    numbers, images = row_numbers(table) if numbers is None else numbers, table.frame[IMAGE].to_numpy(object)
    frames, heads = [], []
    for name in dict.fromkeys(target.head for target in targets):
        units = [(target, found) for target, found in zip(targets, predictions, strict=True) if target.head == name]
        judged = _judge(table, units, engine)
        heads.append([name, len(judged.rows), int(judged.wrong.sum()), float(judged.wrong.mean())])
        cells = table.frame[name].astype(object).to_numpy()
        columns = [numbers[judged.rows], images[judged.rows], name, cells[judged.rows]]
        frames.append(pd.DataFrame(dict(zip(COLUMNS, [*columns, judged.suggestions, judged.suspicion]))))
    if not frames:
        return pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=HEADS)
    order = {"by": "suspicion", "ascending": False, "kind": "stable", "ignore_index": True}
    return pd.concat(frames, ignore_index=True).sort_values(**order), pd.DataFrame(heads, columns=HEADS)


def _judge(table: LabelTable, units: list[tuple[Target, np.ndarray]], engine: Engine) -> Judged:
    """Of several tags or numbers in one cell the most suspicious one counts."""
    target, head = units[0][0], table.heads[units[0][0].head]
    total = len(target.values)
    suspicion, wrong = np.full((total, len(units)), np.nan), np.zeros((total, len(units)), bool)
    for place, (unit, found) in enumerate(units):
        rows = np.flatnonzero(unit.known)
        if unit.classes:
            rows = rows[np.bincount(unit.values[rows])[unit.values[rows]] >= FEWEST]
            said = engine(unit.values[rows], found[rows])
        else:
            said = suspect_numbers(unit.values[rows], found[rows, 0])
        suspicion[rows, place], wrong[rows, place] = said
    rows = np.flatnonzero(np.isfinite(suspicion).any(axis=1))
    suggestions = np.empty(len(rows), object)
    if isinstance(head, MultiLabelHead):
        suggestions[:] = [_tags(head, units, suspicion[row], row) for row in rows.tolist()]
    elif isinstance(head, ClassesHead):
        others = units[0][1][rows].copy()
        others[np.arange(len(rows)), target.values[rows]] = -1
        suggestions[:] = [head.names[place] for place in others.argmax(axis=1)]
    else:
        suggestions[:] = [";".join(f"{found[row, 0]:.4g}" for _, found in units) for row in rows]
    return Judged(rows, suggestions, np.nanmax(suspicion[rows], axis=1), np.asarray(wrong[rows].any(axis=1)))


def _tags(head: MultiLabelHead, units: list[tuple[Target, np.ndarray]], suspicion: np.ndarray, row: int) -> str:
    """The tags of a row with all those turned round that are suspicious, the most suspicious one in any case."""
    turned = (suspicion > 0.5) | (np.arange(len(units)) == np.nanargmax(suspicion))
    given = {unit.unit: unit.values[row] > 0 for unit, _ in units}
    given |= {unit.unit: not given[unit.unit] for (unit, _), turn in zip(units, turned) if turn}
    named = [str(name) for place, name in enumerate(head.names) if given.get(place)]
    return (head.separator or ";").join(named) or "none"
