"""Which cells of a column mean that a label is missing, and what a reader is told: `docs/guides/missing-labels.md`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlzoo.data.cells import Column, cells_named, count_cells, short
from mtlzoo.data.markers import MARKERS, WORDS, is_told, label_names, reads_numbers
from mtlzoo.heads import Head
from mtlzoo.heads.order import is_plain_range
from mtlzoo.heads.tags import lists_texts, read_tags

# Numbers that stand for "no value" in some programs; they are shown, never taken for that.
SENTINELS = (-9, -99, -999, -9999, -99999)
OF_NAMES = ("binary", "classification", "multilabel", "ordinal")
LARGE_SENTINELS = (99, 999, 9999, 99999)
# A minus is the other answer where one of these is a label: blood groups, strands, charges.
PLUS = frozenset(["+", "++", "+++", "+/-", "\u00b1"])
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


def decide(
    column: pd.Series,
    cells: Column,
    told: frozenset[str] | None,
    head: Head | None,
    kind: str | None = None,
    uncertain: bool = False,
) -> Decision:
    """Empty the cells of a column that mean a missing label.

    Args:
        column: The labels of a table as read, a categorical column of texts.
        cells: Its different cells.
        told: The markers that were told; an empty set means that nothing but an empty cell is missing.
        head: The head that was given, whose names are labels, whatever they look like.
        kind: The kind of head that was asked for.
        uncertain: Whether -1 is an uncertain 0 or 1 in another column of the table.
    """
    decision = Decision(column, [], [])
    if not cells.counts:
        return decision
    own = label_names(head)
    mine = {text for text in cells.counts if told and text not in own and is_told(text, told)}
    _empty(decision, cells, mine, "")
    rest = {text: number for text, number in cells.counts.items() if text not in mine}
    if told is not None and not told:
        return decision
    lists_names = kind == "multilabel" or (head is not None and head.lists_names)
    if lists_names or (head is None and kind is None):
        rest = _among_tags(decision, cells, rest, own, told or frozenset(), head)
    marked = {text for text in rest if text in MARKERS or text in WORDS} - own
    others = [text for text in rest if text not in marked]
    numbers = pd.to_numeric(pd.Series(others, dtype=object), errors="coerce").to_numpy("float64")
    finite = np.isfinite(numbers)
    if others and marked and (finite.all() or reads_numbers(head) or _are_ranges(others, kind)):
        why = (
            "all other cells are numbers" if finite.all() else "by this head" if head else "all other cells are ranges"
        )
        _empty(decision, cells, marked, why)
    elif marked:
        tags = lists_names or any(set(";|") & set(text) for text in others)
        _among_texts(decision, cells, marked, others, tags)
    if others and finite.all() and "-1" not in own and "-1.0" not in own:
        _minus_one(decision, cells, dict(zip(others, numbers.tolist())), head, uncertain)
    elif head is None and finite.any() and not finite.all():
        _numbers_among_texts(decision, cells, others, numbers, kind)
    return decision


def _among_tags(
    decision: Decision,
    cells: Column,
    rest: dict[str, int],
    own: frozenset[str],
    told: frozenset[str],
    head: Head | None,
) -> dict[str, int]:
    """The cells that are left when lists of nothing but markers are empty; one among tags is refused.

    Raises:
        ValueError: If a marker stands among tags, so that it is not known whether it is one.
    """
    nothing = {
        text
        for text in rest
        if text not in own
        and (parts := _list_of(text, head))
        and all(part in MARKERS - own or part in told for part in parts)
    }
    _empty(decision, cells, nothing, "")
    for text in rest.keys() - nothing:
        marker = next((part for part in _list_of(text, head) if part in MARKERS - own - MINUS or part in told), None)
        if marker is not None:
            raise ValueError(
                f'"{short(marker)}" in "{short(text)}" says that a label is missing; take it out or empty the cell, or say '
                "missing=[] if it is a tag"
            )
    return {text: number for text, number in rest.items() if text not in nothing}


def _list_of(text: str, head: Head | None) -> list[str]:
    """The texts that a cell lists, none if it is no list."""
    separator = getattr(head, "separator", None) or next((mark for mark in ";|" if mark in text), None)
    if not lists_texts(text) and (separator is None or separator not in text):
        return []
    try:
        return [part for part in read_tags(text, separator) or [] if isinstance(part, str)]
    except ValueError:
        return []


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


def _are_ranges(texts: list[str], kind: str | None) -> bool:
    """Whether texts are numbers and ranges without a unit, such as `(0, 2)`, among which no word is a label."""
    return kind in (None, "ordinal", "classification") and all(map(is_plain_range, texts))


def _minus_one(
    decision: Decision, cells: Column, numbers: dict[str, float], head: Head | None, uncertain: bool
) -> None:
    """-1 is missing where it is the only negative number, unless 1 alone is left and it may be the negative answer."""
    negative = {text for text, number in numbers.items() if number < 0}
    values = {numbers[text] for text in negative}
    rest = {number for text, number in numbers.items() if text not in negative}
    many = sum(cells.counts[text] for text in negative)
    if not negative and head is None:
        _large_sentinel(decision, cells, numbers)
    if len(values) != 1 or not rest or (head is not None and head.spatial):
        return
    (value,), named = values, cells_named(sorted(negative)[0], many)
    if value == -1 and (rest != {1} or (uncertain and head is None)):
        _empty(decision, cells, negative, "the only negative number")
        if rest <= {0, 1}:
            decision.notes[-1] = (
                f"{named} {_are(many)} missing, as an uncertain 0 or 1; if -1 is a label, say missing=[]"
            )
        else:
            decision.notes[-1] += "; if it is a label, say missing=[]"
    elif value == -1 and head is None:
        decision.notes.append(
            "-1 and 1 are read as two labels, -1 the negative one; if -1 means that the label is missing, say "
            "missing=[-1] (--missing -1)"
        )
    elif value in SENTINELS:
        decision.notes.append(
            f"{named} {_are(many)} the only negative number and read as a label; if a label is missing there, say "
            f"missing=[{value:g}] (--missing {value:g})"
        )


def _large_sentinel(decision: Decision, cells: Column, numbers: dict[str, float]) -> None:
    """A note on such as 999 among numbers of which no other is nearly as large."""
    values = sorted(set(numbers.values()))
    if len(values) > 2 and values[-1] in LARGE_SENTINELS and values[-1] > 10 * values[-2]:
        texts = [text for text, number in numbers.items() if number == values[-1]]
        many = sum(cells.counts[text] for text in texts)
        decision.notes.append(
            f"{cells_named(texts[0], many)} {_are(many)} far above all others and read as a label; if a label is missing "
            f"there, say missing=[{values[-1]:g}] (--missing {values[-1]:g})"
        )


def _numbers_among_texts(
    decision: Decision, cells: Column, others: list[str], numbers: np.ndarray, kind: str | None
) -> None:
    """-1 alone among texts is missing, as it is for every head that does not name it; few texts among numbers are noted."""
    texts = [text for text, number in zip(others, numbers) if not np.isfinite(number)]
    alone = {text for text, number in zip(others, numbers) if np.isfinite(number)}
    if set(numbers[np.isfinite(numbers)].tolist()) == {-1.0} and kind in (None, *OF_NAMES):
        _empty(decision, cells, alone, "the only number among texts; if it is a label, say missing=[]")
    elif kind is None and len(texts) < len(alone):
        what = f"{_are(sum(cells.counts[text] for text in texts))} read as {'a label' if len(texts) == 1 else 'labels'}"
        decision.notes.append(
            f"{count_cells(texts, cells.counts)} {what}, and all other cells are numbers; if a label is missing there, say "
            f"missing=[{texts[0][:40]!r}] (--missing)"
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
