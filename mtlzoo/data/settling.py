"""One column of labels, from texts as written to a head and the labels it reads."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mtlzoo.data.cells import Column
from mtlzoo.data.decimals import OF_SEVERAL, read_decimals
from mtlzoo.data.inference import head_for
from mtlzoo.data.markers import MARKERS, WORDS, reads_numbers, without_markers
from mtlzoo.data.missing_cells import decide
from mtlzoo.data.spelling import similar_names, tidy_gaps
from mtlzoo.heads import Head


@dataclass(frozen=True)
class Settled:
    """A column whose labels are known.

    Attributes:
        column: The labels, missing ones empty.
        head: The head that reads them.
        remarks: What they were taken for and why, for `table.describe()`.
        notes: What a reader should know, without the name of the column.
    """

    column: pd.Series
    head: Head
    remarks: tuple[str, ...]
    notes: list[str]


@dataclass(frozen=True)
class Writing:
    """How a table's labels are written.

    Attributes:
        sep: What divides cells.
        decimal: What was told, `","`, `"."` or `None`.
        gaps: Whether empty cells of a column show that whole numbers may have got decimals; a long table says it itself.
        uncertain: Whether a column has -1 for an uncertain 0 or 1, as CheXpert's have, so that others may, too.
    """

    sep: str = ","
    decimal: str | None = None
    gaps: bool = True
    uncertain: bool = False


def settle(column: pd.Series, given: Head | str | None, told: frozenset[str] | None, writing: Writing) -> Settled:
    """Decide what a column's cells mean.

    Args:
        column: The labels as read, a categorical column of texts.
        given: The head, its kind, or `None` for a guess.
        told: The markers that mean a missing label in this column, beside those that always do; empty for none at all.
        writing: How the table is written.

    Raises:
        ValueError: If no head can be made for the column, in words that say what to do.
    """
    head, kind = (given, None) if isinstance(given, Head) else (None, given)
    plain_kind = kind and kind.partition(":")[0].strip()
    cells = Column.of(column)
    with_points, notes = read_decimals(column, cells, writing.decimal, writing.sep, head or plain_kind)
    cells_with_points = cells if with_points is column else Column.of(with_points)
    decision = decide(with_points, cells_with_points, told, head, plain_kind, writing.uncertain)
    tidied = tidy_gaps(decision.column, head) if writing.gaps else decision.column
    if tidied is not column:
        cells = Column.of(tidied)
    try:
        texts = list(cells.counts)
        if plain_kind in OF_SEVERAL and told != frozenset():
            texts = [without_markers(text, MARKERS | WORDS) for text in texts]
        distinct = pd.Series(texts, dtype=object, name=column.name)
        read = head or head_for(distinct, sum(cells.counts.values()), kind)
    except ValueError as error:
        gone = f" ({'; '.join(decision.remarks)})" if decision.remarks else ""
        raise ValueError(f"{error}{gone}") from None
    notes += decision.notes
    if not reads_numbers(read):
        notes += similar_names(cells.counts)
    why = "as told" if given is not None else _why(read)
    return Settled(tidied, read, tuple(filter(None, [why, *decision.remarks])), notes)


def _why(head: Head) -> str:
    kind = type(head).__name__
    whys = {
        "BinaryHead": "two different labels",
        "MultiLabelHead": "tags in one cell",
        "RegressionHead": "numbers with decimals or many different ones",
        "ClassificationHead": "different labels",
    }
    return whys.get(kind, "")
