"""What `--only-if` says: which heads are asked only where other heads have certain labels."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from mtlzoo.data import LabelTable
from mtlzoo.errors import InputError

FOUND = "found"


def ask_only_if(table: LabelTable, texts: Sequence[str] | None) -> LabelTable:
    """The table with the conditions that were told.

    Args:
        table: The labels.
        texts: `["brand:category=package", "length:garment=skirt,dress"]`; a class with a comma stands in double quotes, and
            one head may have several parents. `["found"]` for what the labels suggest. `None` for no conditions.

    Raises:
        InputError: If a text is none of these, or there is no such head.
        HeadError: If there is no such class, or heads depend on each other in a circle.
    """
    if not texts:
        return table
    if FOUND in texts:
        if len(texts) > 1:
            raise InputError(f"Expected --only-if {FOUND} alone, received: {' '.join(texts)}.")
        return table.with_conditions()
    conditions: dict[str, dict[str, list[str]]] = {}
    for text in texts:
        child, parent, classes = _parse(text, table)
        conditions.setdefault(child, {}).setdefault(parent, []).extend(classes)
    return table.with_conditions(conditions)


def _parse(text: str, table: LabelTable) -> tuple[str, str, list[str]]:
    """The head, its parent, and the parent's classes; names of heads may hold colons and equals signs themselves."""
    for child in table.heads:
        for parent in table.heads:
            start = f"{child}:{parent}="
            if text.startswith(start) and len(text) > len(start):
                (classes,) = csv.reader([text.removeprefix(start)], skipinitialspace=True)
                return child, parent, classes
    raise InputError(
        f"Expected --only-if HEAD:PARENT=CLASS,CLASS or {FOUND}, with heads among {', '.join(table.heads)}, received: "
        f"{text!r}."
    )
