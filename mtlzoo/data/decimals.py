"""Numbers that are written with a comma."""

from __future__ import annotations

import re

import pandas as pd

from mtlzoo.data.cells import Column, renamed, short
from mtlzoo.data.markers import MARKERS, WORDS, reads_numbers
from mtlzoo.heads import Head

NUMBER = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
SEVERAL = re.compile(r"[\d+\-.,;eE\s]+")
# 1,234.5; 1.234.567 and 1.234,5; 1 234, 1'234 and 1 234,5.
THOUSANDS = re.compile(
    r"[+-]?\d{1,3}((,\d{3})+(\.\d+)?|(\.\d{3}){2,}|(\.\d{3})+,\d+|(['\u2019 \u00a0\u202f]\d{3})+([.,]\d+)?)"
)
SMALL = re.compile(r"[+-]?\d{1,3}([.,]\d+)?")
POINT_AND_THREE = re.compile(r"[+-]?\d{1,3}\.\d{3}")
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
        numeric, several = reads_numbers(given), given.spatial or getattr(given, "units", 1) > 1
    else:
        numeric, several = given in (None, *WITH_COMMAS), given in OF_SEVERAL
    if several and decimal == "," and all(map(SEVERAL.fullmatch, texts)):
        return _with_points(column), []
    if not texts or not numeric or several:
        return column, []
    thousands = bool(with_comma) and all(THOUSANDS.fullmatch(text) for text in with_comma)
    if with_comma and all(map(NUMBER.fullmatch, texts)) and (decimal == "," or not (thousands and sep == ",")):
        first = short(with_comma[0])
        if decimal is None and thousands:
            raise ValueError(
                f'the comma in "{first}" may be a decimal comma or divide thousands; say decimal="," (--decimal ,), or '
                "write the numbers without thousands separators"
            )
        if decimal is None and sep == ",":
            raise ValueError(
                f'the comma in "{first}" may be a decimal comma; say decimal="," (--decimal ,), or the head\'s kind if it '
                "is a name or a list"
            )
        note = f'numbers such as "{first}" are read with decimal commas'
        return _with_points(column), [note] if decimal is None else []
    divided = [text for text in texts if THOUSANDS.fullmatch(text)]
    if not divided and (with_comma or decimal == ","):  # a point beside decimal commas
        divided = [text for text in texts if POINT_AND_THREE.fullmatch(text)]
    if divided and all(SMALL.fullmatch(text) or THOUSANDS.fullmatch(text) for text in texts):
        raise ValueError(
            f'"{short(divided[0])}" looks like a number with thousands separators; write numbers without them, say '
            'decimal="," where the comma is a decimal one, or the head\'s kind if they are names'
        )
    return column, []


def _with_points(column: pd.Series) -> pd.Series:
    return renamed(column, [text.replace(",", ".") for text in column.cat.categories])
