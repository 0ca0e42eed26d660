"""Guess, from the labels in a column, what kind of head reads them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads import HEADS, Head
from mtlzoo.heads.kinds import head_of_kind
from mtlzoo.heads.order import numeric_order
from mtlzoo.heads.point_labels import coordinates_in
from mtlzoo.heads.regression import MOST_NUMBERED_CLASSES
from mtlzoo.heads.texts import shorten, value_text

# Years first or last, with or without a time.
DATE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ]\d{1,2}:\d{2}.*)?")
WITH_UNIT = re.compile(r"([$\u20ac\u00a3]?) ?[+-]?\d+(?:[.,]\d+)* ?([%\u2030\u00b0$\u20ac\u00a3]?[^\W\d_]{0,12})")
# `sender_id`, `senderId`, `Sender ID`: numbers of persons, places or classes, and no quantity.
ID = re.compile(r"(?:.*[\W_])?(?:id|ids|ID|IDs|Id|uuid|UUID|guid)|.*[a-z\d](?:Id|ID)s?")
# A column with more different labels is asked whether it holds answers at all.
MOST_NAMES = 50


def infer_head(column: pd.Series, kind: str | None = None) -> Head:
    """The head for a column of a label table.

    Two different labels make a binary head (in sorted order: no, yes), texts with `;` or `|` tags, numbers with
    decimals or with more than 20 values a quantity, and all else classes, whose names stay as they are written. Say it
    yourself where the guess is wrong: an ordered scale is never guessed.

    Args:
        column: The labels as read, empty cells as `NaN`.
        kind: The kind of head, one of `mtlzoo.heads.HEADS`; guessed if `None`. It may be followed by names in their order
            and by arguments: `"ordinal:S,M,L"`, `"multilabel:separator=/"`; see `mtlzoo.heads.kinds`.

    Returns:
        A head that knows all labels in the column.

    Raises:
        ValueError: If the kind is unknown, or the column is empty, has one label only, or, where the kind is to be
            guessed, looks like names or numbers of things rather than answers, or is named as an id.

    Example:

    ```python
    infer_head(pd.Series(["no", "yes", None]))  # BinaryHead(labels=["no", "yes"])
    ```
    """
    known = _hashable(column.dropna())
    distinct = known.drop_duplicates()  # a million rows have a handful of labels, in the order of their first rows
    if isinstance(distinct.dtype, pd.CategoricalDtype):
        distinct = distinct.astype(object)
    return head_for(distinct, len(known), kind)


def head_for(distinct: pd.Series, rows: int, kind: str | None = None) -> Head:
    """The head for the different labels of so many labelled rows; see :func:`infer_head`."""
    if kind is not None and kind.partition(":")[0].strip() not in HEADS:
        raise ValueError(f"unknown kind of head {kind!r}, expected one of: {', '.join(HEADS)}")
    different = len(distinct)
    if not different:
        raise ValueError("no row has a label; leave this head out")
    if different == 1:
        label = shorten(distinct.tolist())
        raise ValueError(f"one label only, {label}, in {rows} rows: nothing to learn; leave this head out")
    if kind is not None:
        return head_of_kind(kind, distinct, HEADS)
    _refuse_mixed(distinct)
    _refuse_coordinates(distinct)
    head = next(cls for cls in HEADS.values() if cls.matches(distinct)).from_labels(distinct)
    if not getattr(head, "names", None):
        _refuse_ids(distinct)
    if _looks_like_names(distinct, rows, getattr(head, "names", None)):
        raise ValueError(
            f"{different} different labels in {rows} rows look like names or numbers of things, such as "
            f"{shorten(distinct.tolist()[:2])}; leave this head out, or say its kind: one of {', '.join(HEADS)}"
        )
    return head


def _refuse_coordinates(distinct: pd.Series) -> None:
    """Refuse columns of points and boxes, which would become tags or classes."""
    numbers = coordinates_in(distinct)
    if numbers and not _are_ranges(distinct):
        raise ValueError(
            f"all its cells list {numbers} numbers, as points and boxes do, such as {value_text(distinct.iloc[0])}; say the "
            "kind: landmarks, box, regression, or multilabel if they are tags"
        )


def _refuse_ids(distinct: pd.Series) -> None:
    """Refuse many numbers of persons, places or classes, which would become quantities."""
    if len(distinct) > MOST_NUMBERED_CLASSES and ID.fullmatch(str(distinct.name)):
        raise ValueError(
            f"{len(distinct)} different numbers under a name that ends in an id, such as {shorten(distinct.tolist()[:2])}, "
            "are no quantity; leave this head out (if its rows belong together, use it as the group of a split), or say its "
            f"kind: one of {', '.join(HEADS)}"
        )


def _are_ranges(labels: pd.Series) -> bool:
    """Whether pairs of numbers are ranges, such as `(0, 2)`, which are classes."""
    try:
        return bool(numeric_order([label for label in labels if isinstance(label, str)]))
    except ValueError:
        return False


def _hashable(column: pd.Series) -> pd.Series:
    """Cells that are lists as tuples, which can be told apart."""

    def plain(cell: Any) -> Any:
        if isinstance(cell, dict | bytes | bytearray):
            raise ValueError(f"expected texts, numbers or lists as labels, received {value_text(cell)}")
        if isinstance(cell, set):
            return tuple(sorted(cell, key=str))
        return tuple(map(plain, cell)) if isinstance(cell, list | tuple | np.ndarray) else cell

    return column.map(plain) if column.dtype == object else column


def _refuse_mixed(distinct: pd.Series) -> None:
    """Refuse quantities with a few texts between them, quantities with a unit, and dates, which would become classes."""
    if not all(isinstance(label, str) for label in distinct):
        return
    numbers = pd.to_numeric(distinct, errors="coerce")
    texts, numbers = distinct[numbers.isna()], numbers[numbers.notna()]
    many = len(numbers) > MOST_NUMBERED_CLASSES or bool((numbers % 1 > 0).any())
    if many and 0 < len(texts) < len(numbers):
        raise ValueError(
            f"{len(numbers)} different numbers and beside them {shorten(texts.tolist(), 5)}; if a label "
            f"is missing there, say missing=[{shorten(texts.tolist()[:1])}] (--missing), else say the head's kind: one of "
            f"{', '.join(HEADS)}"
        )
    if len(distinct) <= MOST_NUMBERED_CLASSES:
        return
    if all(map(DATE.fullmatch, distinct)):
        raise ValueError(
            f"{len(distinct)} different dates, such as {shorten(distinct.tolist()[:2])}, are no labels; leave this head "
            f"out, or say its kind: one of {', '.join(HEADS)}"
        )
    units = {found and found.groups() for found in map(WITH_UNIT.fullmatch, distinct)}
    if len(units) == 1 and any(units.pop() or ()):
        raise ValueError(
            f"{len(distinct)} different numbers with a unit, such as {shorten(distinct.tolist()[:2])}, would become as many "
            f"classes; write them without the unit, or say the head's kind: one of {', '.join(HEADS)}"
        )


def _looks_like_names(distinct: pd.Series, rows: int, names: list[str] | None) -> bool:
    """Whether more than half of many labels are classes of their own, or all are different whole numbers."""
    if names is not None:
        return len(names) > MOST_NAMES and len(names) > rows / 2
    if rows <= MOST_NAMES or len(distinct) < rows:
        return False
    numbers = pd.to_numeric(distinct)
    return bool((numbers % 1 == 0).all()) and numbers.is_unique
