"""Names as they are written: what is tidied, and which names may be meant to be the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from mtlzoo.data.cells import Column, renamed, short
from mtlzoo.heads import Head

WHOLE_WITH_POINT = re.compile(r"-?\d+\.0")
NAMED = 5
# A column with more different cells holds free text or numbers.
MOST_COMPARED = 10_000


def without_blanks(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """A column of labels as categories, which take a byte a row, without blanks around them; and a note on names that
    differ by such blanks alone."""
    column = column.astype("category")
    texts = column.cat.categories
    if not len(texts):
        return column, []
    bare = texts.str.strip()
    changed = np.flatnonzero(bare != texts)
    if not len(changed):
        return column, []
    known, counts = set(texts), Column.of(column).counts
    both = [(texts[place], bare[place]) for place in changed if bare[place] in known and texts[place] in counts]
    notes = [
        f'"{short(padded)}" ({counts[padded]:,} cells) and "{short(name)}" ({counts[name]:,}) are read as one label'
        for padded, name in both[:NAMED]
        if name in counts
    ]
    return renamed(column, bare.where(bare != "", None).tolist()), notes


def tidy_gaps(column: pd.Series, head: Head | None) -> pd.Series:
    """1 for 1.0 in a column that has gaps and nothing but such numbers: so programs write whole numbers with gaps.

    Names of a head that was given are left as they are.
    """
    texts = column.cat.categories
    if not len(texts) or not column.isna().any() or not all(map(WHOLE_WITH_POINT.fullmatch, texts)):
        return column
    names = getattr(head, "names", None) or ()
    if any(text in names for text in texts):
        return column
    return renamed(column, [text.removesuffix(".0") for text in texts])


def similar_names(counts: Mapping[str, int]) -> list[str]:
    """A note for each few names that may be meant to be the same, with how often each occurs.

    Such names differ by capitals, blanks, quotes, by how Unicode writes their letters, or are one number written twice.
    """
    if len(counts) > MOST_COMPARED:
        return []
    notes, told = [], set()
    for alike, how in ((_folded, "look alike"), (_number, "are the same number")):
        groups: dict[object, list[str]] = {}
        for name in counts:
            key = alike(name)
            if key is not None:
                groups.setdefault(key, []).append(name)
        for names in groups.values():
            if len(names) > 1 and frozenset(names) not in told:
                told.add(frozenset(names))
                named = ", ".join(f"{_shown(name, names)} ({counts[name]:,})" for name in sorted(names)[:NAMED])
                notes.append(f"{named} {how} and are read as {len(names)} different labels")
    return notes[:NAMED] + ([f"{len(notes) - NAMED} more such pairs"] if len(notes) > NAMED else [])


def _folded(name: str) -> str:
    letters = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    bare = "".join(letter for letter in letters if unicodedata.category(letter) != "Cf").strip("'\"`")
    return bare or letters


def _number(name: str) -> float | None:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", name):
        return None
    return float(name)


def _shown(name: str, others: Iterable[str]) -> str:
    """The name in quotes; where another prints the same, with its letters spelled out."""
    composed = unicodedata.normalize("NFC", name)
    if any(unicodedata.normalize("NFC", other) == composed for other in others if other != name):
        return ascii(short(name))
    return f'"{short(name)}"'
