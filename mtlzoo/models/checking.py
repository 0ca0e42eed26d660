"""Labels and row weights given as numbers are checked before they reach a step, where they would poison the weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mtlzoo.errors import InputError, LabelError
from mtlzoo.heads import Head
from mtlzoo.heads.texts import is_missing

ROWS_AT_A_TIME = 4096
NUMBERS = "numbers (model.heads[name].encode(...) makes them of names)"


def check_labels(name: str, head: Head, values: Any, rows: int | None = None, where: str = "") -> np.ndarray:
    """The numbers that were given as a head's targets, none of them wrong.

    Args:
        name: The name of the head.
        head: The head.
        values: What was given, of a batch or of a whole set.
        rows: How many there have to be, if that is known.
        where: What a message adds to the row.

    Raises:
        InputError: If something else than the head's targets was given; it names head, row, value and what is right.
    """
    targets = numbers_of(values, f"labels of head {name!r}", where)
    if rows is not None and len(targets) != rows:
        raise InputError(
            f"Expected {rows} labels of head {name!r}, one for each image{where}, received: {len(targets)}."
        )
    for start in range(0, max(len(targets), 1), ROWS_AT_A_TIME):  # probabilities of all rows at once would fill memory
        uniform_targets(name, head, targets[start : start + ROWS_AT_A_TIME], where, start)
    return targets


def uniform_targets(name: str, head: Head, targets: np.ndarray, where: str = "", first: int = 0) -> np.ndarray:
    """A head's targets in float32 and its one shape.

    Raises:
        InputError: If a row is wrong.
    """
    try:
        with np.errstate(over="ignore"):
            return head.check(targets)
    except LabelError as error:
        raise InputError(f"Labels of head {name!r}, row {first + error.row}{where}: {error.reason}.") from None


def check_weights(values: Any, rows: int | None = None, name: str | None = None, where: str = "") -> np.ndarray:
    """Row weights, float32 `(rows,)`.

    Raises:
        InputError: If they are not finite numbers of at least 0, one for each row; it names the row.
    """
    what = "sample weights" if name is None else f"sample weights of head {name!r}"
    weights = numbers_of(values, what, where)
    if weights.ndim > 2 or weights.shape[1:] not in ((), (1,)):
        raise InputError(f"Expected {what} of shape (rows,){where}, received shape {weights.shape}.")
    weights = weights.reshape(-1).astype("float32")
    if rows is not None and len(weights) != rows:
        raise InputError(f"Expected {rows} {what}, one for each image{where}, received: {len(weights)}.")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{what.capitalize()}, row {row}{where}: expected a finite number of at least 0, received: {weights[row]}."
        )
    return weights


def numbers_of(values: Any, what: str, where: str = "") -> np.ndarray:
    """An array of numbers, rows on the first axis, of whatever holds numbers.

    Raises:
        InputError: If it holds anything else; it names the row.
    """
    try:
        array = keras.ops.convert_to_numpy(values) if keras.ops.is_tensor(values) else np.asarray(values)
    except ValueError:
        raise InputError(
            f"Expected {what} to be {NUMBERS}, as many in each row{where}, received rows of different lengths."
        ) from None
    if array.ndim == 0:
        raise InputError(
            f"Expected {what} to be an array with rows on the first axis{where}, received: {_short(values)}."
        )
    if array.dtype.kind in "iuf":
        return array
    if array.dtype.kind == "b":
        return array.astype("float32")
    if array.dtype.name.startswith(("bfloat16", "float8")):
        return array.astype("float32")
    if array.dtype.kind == "O":
        return _numbers_of_objects(array, what, where)
    first = array.reshape(-1)[:1].tolist()
    raise InputError(f"Expected {what} to be {NUMBERS}{where}, received in row 0: {_short(*first or [array.dtype])}.")


def _numbers_of_objects(array: np.ndarray, what: str, where: str) -> np.ndarray:
    """Numbers that an array holds as objects, `NaN` where they are missing."""
    numbers = np.full(array.shape, np.nan, "float64")
    for place, cell in np.ndenumerate(array):
        if isinstance(cell, str) or not (is_missing(cell) or np.isscalar(cell)):
            raise InputError(f"Expected {what} to be {NUMBERS}{where}, received in row {place[0]}: {_short(cell)}.")
        try:
            numbers[place] = np.nan if is_missing(cell) else cell
        except (TypeError, ValueError, OverflowError):  # a whole number beyond all floats, a complex one
            raise InputError(
                f"Expected {what} to be {NUMBERS}{where}, received in row {place[0]}: {_short(cell)}."
            ) from None
    return numbers


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def rows_of(x: Any) -> int | None:
    """How many images there are, if what was given says so."""
    shape = getattr(x, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) > 0 and shape[0] is not None else None
