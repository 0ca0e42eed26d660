"""What the columns of a table were taken for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mtlzoo.data.cells import Column, count_cells, short
from mtlzoo.data.conditions import find_conditions, tell_condition
from mtlzoo.data.markers import default_markers
from mtlzoo.heads import HEADS, Head

if TYPE_CHECKING:
    from mtlzoo.data.table import LabelTable

NAMED = 6


def describe_table(table: LabelTable) -> str:
    """One line a head: its kind, how many rows are labelled, its labels, what is missing and why."""
    labels, written, proposed = table.labels(), table.labels(all_written=True), find_conditions(table)
    lines = []
    for name, head in table.heads.items():
        unused = int(head.labelled(written[name]).sum() - head.labelled(labels[name]).sum())
        told = tell_condition(table, name, proposed, unused)
        lines.append("; ".join([_describe(table, name, head, labels[name]), *told]))
    return "\n".join(lines)


def _describe(table: LabelTable, name: str, head: Head, targets: np.ndarray) -> str:
    kind = next((kind for kind, cls in HEADS.items() if cls is type(head)), type(head).__name__)
    labelled = head.labelled(targets)
    parts = [f"{short(name)}: {kind.replace('_', ' ')}", f"{int(labelled.sum()):,} labelled", _labels(head, targets)]
    remarks = [*table.remarks.get(name, ()), *_markers(table, name, head)]
    return "; ".join([", ".join(filter(None, parts)), *remarks])


def _labels(head: Head, targets: np.ndarray) -> str:
    names = getattr(head, "names", None)
    if names and not head.spatial:
        between = " < " if head.ordered else ", "
        listed = between.join(short(str(one)) for one in names[:NAMED])
        return listed if len(names) <= NAMED else f"{listed}, ... ({len(names):,} labels)"
    if head.numeric and not head.spatial and np.isfinite(targets).any():
        lowest, highest = float(np.nanmin(targets)), float(np.nanmax(targets))
        between = "\u2013" if lowest >= 0 else " to "
        return f"{lowest:,.6g}{between}{highest:,.6g}"
    return head.describe()


def _markers(table: LabelTable, name: str, head: Head) -> list[str]:
    """The cells that are still there and count as missing, as in a table that was made from a frame."""
    column = table.frame[name]
    if name in table.literal or pd.api.types.is_numeric_dtype(column.dtype):
        return []
    cells = Column.of(column.where(column.map(lambda cell: isinstance(cell, str))).astype("category"))
    found = [text for text in cells.counts if text.strip() in default_markers(head)]
    if not found:
        return []
    return [
        f"{count_cells(found, cells.counts)} {'is' if sum(cells.counts[text] for text in found) == 1 else 'are'} missing"
    ]
