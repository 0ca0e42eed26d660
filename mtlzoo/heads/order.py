"""The order of levels, as far as their numbers tell it: text is never sorted by its letters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.heads.texts import label_text, shorten

if TYPE_CHECKING:
    import pandas as pd

NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
# With any dash between, or a word; in brackets with a comma, as Python writes pairs.
RANGE = re.compile(rf"({NUMBER})\s*(?:-|\u2013|\u2014|~|\.{{2,3}}|\u2026|to)\s*({NUMBER})")
BRACKETS = re.compile(rf"[(\[]\s*({NUMBER})\s*[,;]\s*({NUMBER})\s*[)\]]")
MORE = r"(?:>=?|\u2265|over|above|more than|at least|from)"
ABOVE = re.compile(rf"{MORE}\s*({NUMBER})|({NUMBER})\s*(?:\+|(?:and|or) (?:over|above|more|older))")
LESS = r"(?:<=?|\u2264|under|below|less than|up to|at most)"
BELOW = re.compile(rf"{LESS}\s*({NUMBER})|({NUMBER})\s*(?:and|or) (?:under|below|less|younger)")
EXACT = re.compile(rf"({NUMBER})")
INFINITY = float("inf")


def numeric_order(levels: Sequence[str]) -> list[str]:
    """Levels from the lowest to the highest, by the numbers or ranges that they name.

    Args:
        levels: Different texts: numbers (`10`, `1e3`), ranges (`0-2`, `18 to 25`, `(0, 2)`), open ones (`60+`, `<18`), with
            the same unit or the same word before or after all of them (`10 cm`, `grade 3`), or with none.

    Raises:
        ValueError: If some level is no such thing, words differ, or ranges overlap; it says which.
    """
    spans: dict[str, tuple[float, float]] = {}
    words: dict[tuple[str, str], str] = {}
    for level in levels:
        found = _span(level)
        if found is None:
            raise ValueError(f"{level[:80]!r} is no number and no range")
        low, high, before, after = found
        spans[level] = (low, high)
        words.setdefault((before, after.removesuffix("s")), level)
    if len(words) > 1:
        one, other = list(words.values())[:2]
        raise ValueError(f"{one[:80]!r} and {other[:80]!r} differ in more than their numbers")
    ordered = sorted(levels, key=lambda level: spans[level])
    for one, other in itertools.pairwise(ordered):
        if spans[one][1] > spans[other][0] or spans[one] == spans[other]:
            raise ValueError(f"{one!r} and {other!r} overlap")
    return ordered


def is_plain_range(text: str) -> bool:
    """Whether a text is a number or a range without any word or unit."""
    found = _span(text)
    return found is not None and found[2:] == ("", "")


def order_wanted(levels: Sequence[str], name: object, reason: str) -> ValueError:
    """The error that asks for the order of a column's levels and shows how to give it."""
    name = "size" if name is None else str(name)
    return ValueError(
        f"the order of its {len(levels)} levels cannot be told, as {reason}; give them from the lowest to the highest: "
        f'heads={{{name!r}: mtl.OrdinalHead(["LOWEST", ..., "HIGHEST"])}}, on the command line '
        f"--heads {name}=ordinal:LOWEST,...,HIGHEST; found: {shorten(levels)}"
    )


def _span(level: str) -> tuple[float, float, str, str] | None:
    """The lowest and the highest number that a level names, and the words before and after; `None` if it names none."""
    text = " ".join(level.casefold().split())
    for pattern in (BRACKETS, RANGE, ABOVE, BELOW, EXACT):
        found = pattern.search(text)
        if found is None:
            continue
        before, after = text[: found.start()], text[found.end() :]
        # A number more, or a sign or a point that may belong to the number, as in T-1 or 1/2, leaves its size open.
        if re.search(r"\d", before + after) or re.search(r"[^\w\s#$€£]$", before) or re.match(r"[^\w\s%°€$£]", after):
            return None
        if re.search(r"[^\W\d]$", before) and found[0][:1] in "+-":
            return None
        numbers = [float(number) for number in found.groups() if number is not None]
        low, high = (numbers * 2)[:2]
        if pattern is ABOVE:
            high = INFINITY
        elif pattern is BELOW:
            low = -INFINITY
        if not low <= high:
            return None
        return low, high, before.strip(), after.strip()
    return None


def distinct_labels(labels: pd.Series) -> list[str]:
    """The different labels as texts, as they are written: numbers and ranges in their order, all else sorted as text."""
    texts = {label_text(label) for label in labels.unique()}
    numbers = {text: _as_number(text) for text in texts}
    if all(number is not None for number in numbers.values()):
        return sorted(texts, key=lambda text: (numbers[text], text))
    try:
        return numeric_order(sorted(texts))
    except ValueError:
        return sorted(texts)


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) and "_" not in text else None
