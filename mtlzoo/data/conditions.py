"""Heads whose labels exist only where another head has certain labels: found, told, and taken up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.data.cells import short
from mtlzoo.heads import Head
from mtlzoo.heads.conditions import class_names
from mtlzoo.heads.texts import shorten

if TYPE_CHECKING:
    from mtlzoo.data.table import LabelTable

# A few rows prove nothing; and where a head is asked, somebody may have forgotten to answer.
LEAST_ROWS, LEAST_LABELLED = 10, 0.9

Conditions = dict[str, dict[str, list[str]]]


def find_conditions(table: LabelTable) -> Conditions:
    """Which heads seem to be asked only where another head has certain labels.

    A head does if it has no label wherever the other one is missing or has some of its classes (ten rows or more), and a
    label in nine of ten rows of the other classes. Of several such parents the one wins whose classes leave the fewest
    labels open, then the one with the fewest classes.

    Args:
        table: The labels, read by their heads.

    Returns:
        For each such head, `only_if` of :class:`mtlzoo.heads.Head`; heads that have a condition are left out.

    Raises:
        TableError: If a label is invalid for its head.

    Example:

    ```python
    mtl.data.find_conditions(table)  # {"brand": {"category": ["package"]}}
    ```
    """
    labels = table.labels()
    labelled = {name: head.labelled(labels[name]) for name, head in table.heads.items()}
    groups = {name: _classes(head, labels[name]) for name, head in table.heads.items()}
    found: Conditions = {}
    for child, head in table.heads.items():
        if head.only_if or labelled[child].all() or not labelled[child].any():
            continue
        best: tuple[float, int] | None = None
        for parent, (classes, ids) in groups.items():
            if parent == child or not classes or (labelled[child] & (ids < 0)).any():
                continue
            rows = np.bincount(ids[ids >= 0], minlength=len(classes))
            with_label = np.bincount(ids[labelled[child]], minlength=len(classes))
            asked = with_label > 0
            coverage = float(with_label.sum() / rows[asked].sum())
            enough = rows[asked].sum() >= LEAST_ROWS and rows[~asked].sum() >= LEAST_ROWS
            if enough and coverage >= LEAST_LABELLED and (best is None or (-coverage, len(classes)) < best):
                best = (-coverage, len(classes))
                found[child] = {parent: [name for name, one in zip(classes, asked) if one]}
    return found


def _classes(head: Head, targets: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The classes of which a row has one, and its number in each row, -1 where missing; none for tags."""
    strata = head.strata(targets)
    names = class_names(head)
    return (names, strata) if names and strata.ndim == 1 else ([], strata)


def with_conditions(table: LabelTable, conditions: Mapping[str, Mapping[str, list[str]]] | None) -> LabelTable:
    """See :meth:`LabelTable.with_conditions`."""
    given = find_conditions(table) if conditions is None else conditions
    heads = dict(table.heads)
    for name, only_if in given.items():
        if name not in heads:
            raise ValueError(f"Expected conditions of the heads {', '.join(heads)}, received also: {name!r}.")
        heads[name] = heads[name].with_settings(only_if=only_if)
    return table.with_heads(heads)


def tell_condition(table: LabelTable, name: str, proposed: Conditions, unused: int) -> list[str]:
    """What :meth:`LabelTable.describe` says of a head's condition.

    Args:
        table: The labels.
        name: The head.
        proposed: What :func:`find_conditions` has found.
        unused: How many of its labels its parents rule out.
    """
    if only_if := table.heads[name].only_if:
        labels = "1 label elsewhere is" if unused == 1 else f"{unused:,} labels elsewhere are"
        return [f"asked only if {_in_words(only_if)}", *([f"{labels} not used"] if unused else [])]
    if name in proposed:
        return [
            f"labelled only where {_in_words(proposed[name])}: ask it only there by `only_if`, table.with_conditions()"
        ]
    return []


def _in_words(only_if: Mapping[str, list[str]]) -> str:
    parts = (f"{short(parent)} is {shorten(classes)}" for parent, classes in only_if.items())
    return " and ".join(parts)
