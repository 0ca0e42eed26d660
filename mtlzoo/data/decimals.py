"""Numbers that are written with a comma."""

from __future__ import annotations

import re

import pandas as pd

from mtlzoo.data.cells import Column, renamed, short
from mtlzoo.data.markers import MARKERS, WORDS
from mtlzoo.heads import Head

NUMBER = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
SEVERAL = re.compile(r"[\d+\-.,;eE\s]+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?|[+-]?\d{1,3}([.'\u2019 \u00a0\u202f]\d{3}){2,}(,\d+)?")
WITH_COMMAS = ("regression", "expectation")
OF_SEVERAL = ("landmarks", "box")


def read_decimals(
    column: pd.Series, cells: Column, decimal: str | None, sep: str, given: Head | str | None
) -> tuple[pd.Series, list[str]]:
    """A column with points for decimal commas, where that is what its commas are.

    Args:
        column: The labels as read, a categorical column of texts.
        cells: Its different cells.
        decimal: What was told, `","` or `"."`; `None` decides: commas in numbers are decimal commas where cells are not
            divided by commas, unless all of them could as well divide thousands.
        sep: What divides cells.
        given: The head or the kind that was given; classes and tags are left as they are written.

    Returns:
        The column, and what a reader should know, without the name of the column.

    Raises:
        ValueError: If the commas may be decimal commas or divide thousands; the message says how to tell.
    """
    if decimal == ".":
        return column, []
    texts = [text for text in cells.counts if text not in MARKERS and text not in WORDS]
    with_comma = [text for text in texts if "," in text]
    if isinstance(given, Head):
        numeric, several = given.numeric, given.spatial or getattr(given, "units", 1) > 1
    else:
        numeric, several = given in (None, *WITH_COMMAS), given in OF_SEVERAL
    if several and decimal == "," and all(map(SEVERAL.fullmatch, texts)):
        return _with_points(column), []
    if not with_comma or not numeric:
        return column, []
    if all(map(NUMBER.fullmatch, texts)) and (decimal == "," or sep != ","):
        if decimal is None and all(THOUSANDS.fullmatch(text) for text in with_comma):
            raise ValueError(
                f'the comma in "{short(with_comma[0])}" may be a decimal comma or divide thousands; say decimal="," '
                "(--decimal ,), or write the numbers without thousands separators"
            )
        note = f'numbers such as "{short(with_comma[0])}" are read with decimal commas'
        return _with_points(column), [note] if decimal is None else []
    if _are_thousands(texts):
        raise ValueError(
            f'"{short(next(filter(THOUSANDS.fullmatch, texts)))}" looks like a number with thousands separators; write '
            'numbers without them, or say decimal="," where the comma is a decimal one'
        )
    return column, []


def _are_thousands(texts: list[str]) -> bool:
    return all(THOUSANDS.fullmatch(text) or re.fullmatch(r"[+-]?\d{1,3}(\.\d+)?", text) for text in texts)


def _with_points(column: pd.Series) -> pd.Series:
    return renamed(column, [text.replace(",", ".") for text in column.cat.categories])
