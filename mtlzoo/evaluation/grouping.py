"""Which rows of a table make which group."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.heads import RegressionHead
from mtlzoo.heads.order import numeric_order
from mtlzoo.heads.texts import is_missing

Edges = Sequence[float] | None
By = str | Sequence[str] | Mapping[str, Edges]
Groups = dict[str, np.ndarray]


def group_rows(table: LabelTable, bound: LabelTable, by: By, cross: bool = False) -> dict[str, Groups]:
    """Group the rows of a table by its columns.

    Args:
        table: The table.
        bound: The same rows read by a model's heads, whose class names go before the table's own.
        by: One or more columns, or a mapping from columns to edges, as :func:`evaluate_groups` takes them.
        cross: Whether to group by all columns at once rather than by one after the other.

    Returns:
        For each column, or for all of them crossed, its groups that have rows: bool `(rows,)` by their names.

    Raises:
        TableError: If there is no such column, a label is none that its head knows, or a cell is no number.
        ValueError: If no column is named, only one is to be crossed, edges do not ascend, or a quantity has none.
    """
    edges = by if isinstance(by, Mapping) else dict.fromkeys([by] if isinstance(by, str) else by)
    if not edges:
        raise ValueError(f"Expected at least one column to group by, received: {by!r}.")
    blocks = {name: _groups(table, bound, name, edges[name]) for name in edges}
    if cross:
        if len(blocks) < 2:
            raise ValueError(f"Expected at least two columns to cross, received: {by!r}.")
        crossed = {
            " x ".join(names): np.logical_and.reduce([groups[name] for groups, name in zip(blocks.values(), names)])
            for names in itertools.product(*blocks.values())
        }
        blocks = {" x ".join(blocks): crossed}
    return {name: {group: rows for group, rows in groups.items() if rows.any()} for name, groups in blocks.items()}


def _groups(table: LabelTable, bound: LabelTable, name: str, edges: Edges) -> Groups:
    if name not in table.frame:
        columns = ", ".join(map(str, table.frame))
        raise TableError(f"{table.source}: no column {name!r} to group by; the columns are: {columns}.")
    head = bound.heads.get(name) or table.heads.get(name)
    cells = table.frame[name].reset_index(drop=True)
    if head is None:
        known, named = np.asarray([not is_missing(cell) for cell in cells], bool), None
    else:
        targets = table.with_heads({name: head}).labels()[name]
        known, named = head.labelled(targets), head.groups(targets)
    if edges is not None:
        return _intervals(table, name, cells[known], edges)
    if named is not None:
        return named
    return _distinct(name, cells[known], len(table), head is not None)


def _intervals(table: LabelTable, name: str, cells: pd.Series, edges: Sequence[float]) -> Groups:
    """Groups by the interval that a number lies in; whole numbers make `0-17`, others `[0, 18)`."""
    edges = [float(edge) for edge in edges]
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"Expected at least two ascending edges for {name!r}, received: {edges}.")
    numbers = np.full(len(table), np.nan)
    read = pd.to_numeric(cells.astype(str), errors="coerce")
    if read.isna().any():
        row = read.index[read.isna()][0]
        raise TableError(
            f"{table.where(row)}: expected a number in {name!r} to find its interval, received {cells[row]!r}."
        )
    numbers[read.index] = read
    whole = all(edge.is_integer() and edge >= 0 for edge in edges) and (read % 1 == 0).all()
    groups = {}
    for low, high in itertools.pairwise(edges):
        last = high == edges[-1]
        inside = (numbers >= low) & ((numbers <= high) if last else (numbers < high))
        if whole:
            top = high if last else high - 1
            label = f"{low:.12g}-{top:.12g}" if top > low else f"{low:.12g}"
        else:
            label = f"[{low:.12g}, {high:.12g}{']' if last else ')'}"
        groups[label] = inside
    return groups


def _by_number(labels: list[str]) -> list[str]:
    """Labels in the order of their numbers if all of them have one, such as `0-17` and `65+`, else as they are."""
    try:
        return numeric_order(labels)
    except ValueError:
        return labels


def _distinct(name: str, cells: pd.Series, total: int, quantity: bool) -> Groups:
    """Groups by the value itself, numbers and ranges in their order."""
    texts = cells.astype(str)
    numbers = pd.to_numeric(texts, errors="coerce")
    quantity |= not any(isinstance(cell, str) for cell in cells)
    if len(cells) and quantity and numbers.notna().all() and RegressionHead.matches(numbers):
        raise ValueError(
            f"Expected edges for {name!r}, which holds {numbers.nunique()} different numbers from {numbers.min():g} to "
            f'{numbers.max():g}: by={{"{name}": [{numbers.min():g}, {numbers.median():g}, {numbers.max():g}]}} makes two '
            "groups. Names that happen to be numbers can be written as texts."
        )
    if numbers.notna().all() and (numbers % 1 == 0).all():
        texts = texts.str.removesuffix(".0")  # a column of whole numbers of which some are missing holds floats
    if numbers.notna().all():
        order = texts.iloc[np.argsort(numbers, kind="stable")].unique()
    else:
        order = _by_number(sorted(texts.unique()))
    groups = {}
    for label in order:
        groups[label] = np.zeros(total, bool)
        groups[label][texts.index[texts == label]] = True
    return groups
