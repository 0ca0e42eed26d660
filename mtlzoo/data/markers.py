"""Cells that say that a label is missing: one rule for all tables. See `docs/guides/missing-labels.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.cells import Column
from mtlzoo.heads import Head
from mtlzoo.heads.texts import is_missing


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What programs write for "no value". Among numbers and among texts they are missing, unless a head has one for a name.
MARKERS = _words(
    "NA N/A #N/A #NA #N/A! #NV #NULL! #VALUE! #DIV/0! #REF! <NA> <N/A> <null> <nan> n/a N/a n.a. N.A. NaN nan NAN -nan -NaN "
    "NaT nat NULL null Null ? ?? ??? - -- --- \u2013 \u2014 . .. \\N"
)
# What people write, in any case. Among numbers they are missing; among texts they may well be somebody's class, and are.
_WRITTEN = _words(
    "na none nil unknown unk missing unlabeled unlabelled undefined uncertain unsure empty void x * _ / nd n.d. tbd "
    "(null) (none) (missing) (empty)"
) | {"not available", "not applicable", "no data", "no answer"}
WORDS = frozenset(
    form for word in _WRITTEN for form in (word, word.capitalize(), word.title(), word.upper()) if form not in MARKERS
)


def told_markers(missing: Any, name: str) -> frozenset[str] | None:
    """The markers that were told for a column; `None` where nothing was.

    Raises:
        TypeError: If they are neither a list nor a dictionary of lists.
    """
    if isinstance(missing, Mapping):
        missing = missing.get(name)
    if missing is None:
        return None
    if isinstance(missing, str | int | float):
        missing = [missing]
    if not isinstance(missing, Sequence | set | frozenset | np.ndarray | pd.Index):
        raise TypeError(f"Expected `missing` to be a list of texts or a dictionary of such, received: {missing!r}.")
    return frozenset(str(marker).strip() for marker in missing if not is_missing(marker))


def reads_numbers(head: Head | None) -> bool:
    """Whether a head's labels are numbers or places."""
    return head is not None and (head.numeric or head.reads_numbers)


def is_uncertain(column: pd.Series) -> bool:
    """Whether a column of texts holds -1 beside 0 and 1 and no other number, as CheXpert writes uncertain labels."""
    known = [text for text, number in Column.of(column).counts.items() if number and text not in MARKERS]
    return 3 <= len(known) <= 6 and {number_of_text(text) for text in known} == {-1.0, 0.0, 1.0}


def default_markers(head: Head) -> frozenset[str]:
    """The cells that are missing for a head by themselves, in every table: markers that it has not for names."""
    every = MARKERS | WORDS if reads_numbers(head) else MARKERS
    return every - label_names(head)


def without_markers(cell: Any, markers: frozenset[str]) -> Any:
    """A cell as a head reads it, `None` for a marker; of several parts, such as `NA;NA`, each by itself."""
    if not isinstance(cell, str) or not markers:
        return cell
    if cell.strip() in markers:
        return None
    if ";" not in cell or WORDS.isdisjoint(markers):  # Parts are numbers; tags are names.
        return cell
    parts = ["" if part.strip() in markers else part for part in cell.split(";")]
    return ";".join(parts) if any(map(str.strip, parts)) else None


def label_names(head: Head | None) -> frozenset[str]:
    """The texts that are labels of a head, whatever they look like."""
    names = getattr(head, "names", None)
    if head is not None and head.reads_minus_one():
        return frozenset({"-1", "-1.0"})
    return frozenset(map(str, names)) if isinstance(names, list | tuple) else frozenset()


def is_told(text: str, told: frozenset[str]) -> bool:
    """Whether a cell is one of the markers, or the same number: -1.0 is the marker -1."""
    if text in told:
        return True
    number = number_of_text(text)
    return number is not None and any(number_of_text(marker) == number for marker in told)


def number_of_text(text: str) -> float | None:
    """The number that a text is, `None` if it is none."""
    try:
        return float(text)
    except ValueError:
        return None
