"""Cells that say that a label is missing: one rule for all tables. See `docs/missing-labels.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.cells import Column, cells_named, count_cells
from mtlzoo.heads import Head, MultiLabelHead
from mtlzoo.heads.base import is_missing


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What programs write for "no value". Among numbers and among texts they are missing, unless a head has one for a name.
MARKERS = _words(
    "NA N/A #N/A #NA #N/A! #NV #NULL! #VALUE! #DIV/0! #REF! <NA> <N/A> <null> <nan> n/a N/a n.a. N.A. NaN nan NAN -nan -NaN "
    "NaT nat NULL null Null ? ?? ??? - -- --- \u2013 \u2014 . .. \\N"
)
# What people write. Among numbers they are missing; among texts they may well be somebody's class, and are.
WORDS = _words(
    "na Na None none NONE nil Nil NIL unknown Unknown UNKNOWN unk Unk UNK missing Missing MISSING unlabeled unlabelled "
    "undefined Undefined uncertain Uncertain unsure Unsure empty void x X * _ / nd ND n.d. tbd TBD "
    "(null) (none) (missing) (empty)"
) | {"not available", "not applicable", "no data", "no answer"}
# Numbers that stand for "no value" in some programs; they are shown, never taken for that.
SENTINELS = (-9, -99, -999, -9999, -99999)
# A minus is the other answer where one of these is a label: blood groups, strands, charges.
PLUS = _words("+ ++ +++ +/- \u00b1")
MINUS = frozenset("-\u2013\u2014")


@dataclass
class Decision:
    """What was decided of a column's cells.

    Attributes:
        column: The labels, with missing ones empty.
        remarks: What is missing and why, in a few words each, for `describe`.
        notes: What a reader should know, without the name of the column.
    """

    column: pd.Series
    remarks: list[str]
    notes: list[str]


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


def decide(
    column: pd.Series, cells: Column, told: frozenset[str] | None, head: Head | None, kind: str | None = None
) -> Decision:
    """Empty the cells of a column that mean a missing label.

    Args:
        column: The labels of a table as read, a categorical column of texts.
        cells: Its different cells.
        told: The markers that were told; an empty set means that nothing but an empty cell is missing.
        head: The head that was given, whose names are labels, whatever they look like.
        kind: The kind of head that was asked for.
    """
    decision = Decision(column, [], [])
    if not cells.counts:
        return decision
    own = _names(head)
    mine = {text for text in cells.counts if told and text not in own and _is_told(text, told)}
    _empty(decision, cells, mine, "")
    rest = {text: number for text, number in cells.counts.items() if text not in mine}
    if told is not None and not told:
        return decision
    marked = {text for text in rest if text in MARKERS or text in WORDS} - own
    others = [text for text in rest if text not in marked]
    numbers = pd.to_numeric(pd.Series(others, dtype=object), errors="coerce").to_numpy("float64")
    places = head is not None and (head.numeric or head.spatial)
    if others and marked and (np.isfinite(numbers).all() or places):
        _empty(decision, cells, marked, "all other cells are numbers" if np.isfinite(numbers).all() else "by this head")
    elif marked:
        tags = kind == "multilabel" or isinstance(head, MultiLabelHead) or any(set(";|") & set(text) for text in others)
        _among_texts(decision, cells, marked, others, tags)
    if others and np.isfinite(numbers).all() and "-1" not in own and "-1.0" not in own:
        _minus_one(decision, cells, dict(zip(others, numbers.tolist())), head)
    return decision


def default_markers(head: Head) -> frozenset[str]:
    """The cells that are missing for a head by themselves, in every table: markers that it has not for names."""
    every = MARKERS | WORDS if head.numeric or head.spatial else MARKERS
    return every - _names(head)


def without_markers(cell: Any, markers: frozenset[str]) -> Any:
    """A cell as a head reads it, `None` for a marker; of several parts, such as `NA;NA`, each by itself."""
    if not isinstance(cell, str) or not markers:
        return cell
    if cell.strip() in markers:
        return None
    if ";" not in cell or WORDS.isdisjoint(markers):  # Parts are numbers; tags are names.
        return cell
    return ";".join("" if part.strip() in markers else part for part in cell.split(";"))


def _names(head: Head | None) -> frozenset[str]:
    names = getattr(head, "names", None)
    return frozenset(map(str, names)) if isinstance(names, list | tuple) else frozenset()


def _is_told(text: str, told: frozenset[str]) -> bool:
    """Whether a cell is one of the markers, or the same number: -1.0 is the marker -1."""
    if text in told:
        return True
    number = _number(text)
    return number is not None and any(_number(marker) == number for marker in told)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _among_texts(decision: Decision, cells: Column, marked: set[str], others: list[str], tags: bool) -> None:
    labels = {text for text in marked if text not in MARKERS or (set(text) <= MINUS and PLUS & set(others))}
    for text in sorted(labels):
        if (tags and text.lower() == "none") or text in "xX":  # No tag at all; a name like any other letter.
            continue
        decision.notes.append(
            f"{cells_named(text, cells.counts[text])} {_are(cells.counts[text])} read as a label; if a label is missing "
            f"there, say missing=[{text!r}] (--missing)"
        )
    gone = marked - labels
    _empty(decision, cells, gone, "")
    for text in sorted(gone):
        decision.notes.append(
            f"{cells_named(text, cells.counts[text])} {_are(cells.counts[text])} missing; if {text!r} is a label, say "
            "missing=[] or give a head that names it"
        )


def _minus_one(decision: Decision, cells: Column, numbers: dict[str, float], head: Head | None) -> None:
    """-1 is missing where it is the only negative number, and at least two others are left."""
    negative = {text for text, number in numbers.items() if number < 0}
    values = {numbers[text] for text in negative}
    rest = {number for text, number in numbers.items() if text not in negative}
    many = sum(cells.counts[text] for text in negative)
    if len(values) != 1 or not rest or (head is not None and head.spatial):
        return
    (value,), named = values, cells_named(sorted(negative)[0], many)
    if value == -1 and len(rest) > 1:
        _empty(decision, cells, negative, "the only negative number")
        if rest == {0, 1}:
            decision.notes[-1] = (
                f"{named} {_are(many)} missing, as an uncertain 0 or 1; if -1 is a label, say missing=[]"
            )
        elif rest:
            decision.notes[-1] += "; if it is a label, say missing=[]"
    elif value == -1 and head is None:
        other = f"{next(iter(rest)):g}"
        decision.notes.append(
            f"-1 and {other} are read as two labels, -1 the negative one; if -1 means that the label is missing, say "
            "missing=[-1] (--missing -1)"
        )
    elif value in SENTINELS:
        decision.notes.append(
            f"{named} {_are(many)} the only negative number and read as a label; if a label is missing there, say "
            f"missing=[{value:g}] (--missing {value:g})"
        )


def _empty(decision: Decision, cells: Column, texts: set[str], why: str) -> None:
    """Empty the cells with these texts; with a reason, that is a note too."""
    if not texts:
        return
    decision.column = cells.without(texts, decision.column)
    named = count_cells(texts, cells.counts)
    many = sum(cells.counts[text] for text in texts)
    decision.remarks.append(f"{named} {_are(many)} missing")
    if why:
        decision.notes.append(f"{named} {_are(many)} missing: {why}")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
