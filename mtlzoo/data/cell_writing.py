"""Labels written into some cells of a column, whatever its type; all other cells stay what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.class_names import number_of


def write_cells(column: pd.Series, rows: Sequence[int], labels: Sequence[Any]) -> pd.Series:
    """A new column with labels in some cells.

    Args:
        column: The column, of any type.
        rows: Positions of the cells.
        labels: What to write, `None` for a missing label.

    Returns:
        A column of the same type if that can hold the labels; else of objects, or of the same categories and new ones.

    Example:

    ```python
    column = pd.Series([1, 2], name="age")
    mtl.data.cell_writing.write_cells(column, [1], [None]).tolist()  # [1, None]
    ```
    """
    if isinstance(column.dtype, pd.CategoricalDtype) and not any(isinstance(one, list | np.ndarray) for one in labels):
        return _into_categories(column, rows, labels)
    numbers = _as_numbers(labels, column.dtype)
    if numbers is not None:
        cells = column.to_numpy(copy=True)
        cells[list(rows)] = numbers
        return pd.Series(cells, index=column.index, name=column.name)
    if isinstance(column.dtype, pd.StringDtype) and all(one is None or isinstance(one, str) for one in labels):
        texts = column.array.copy()
        texts[list(rows)] = list(labels)
        return pd.Series(texts, index=column.index, name=column.name)
    cells = column.astype(object).to_numpy(copy=True)
    if not isinstance(column.dtype, np.dtype):  # such as Int64, whose missing value not every head knows
        cells[column.isna().to_numpy()] = None
    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    for row, label in zip(rows, labels, strict=True):
        number = _number(label) if numeric else None
        cells[row] = label if number is None else int(number) if number.is_integer() else number
    return pd.Series(cells, index=column.index, name=column.name, dtype=object)


def _into_categories(column: pd.Series, rows: Sequence[int], labels: Sequence[Any]) -> pd.Series:
    known = list(column.cat.categories)
    numbers = _as_numbers([one for one in labels if one is not None], column.cat.categories.dtype) if known else None
    if numbers is not None:
        given = iter(numbers)
        labels = [None if one is None else next(given) for one in labels]
    names = {name: code for code, name in enumerate(known)}
    codes = column.cat.codes.to_numpy().astype("int64")
    for row, label in zip(rows, labels, strict=True):
        if isinstance(label, str) and label not in names and label.removesuffix(".0") in names:
            label = label.removesuffix(".0")  # as programs write whole numbers where cells are empty
        codes[row] = -1 if label is None else names.setdefault(label, len(names))
    if len(names) == len(known):
        return pd.Series(pd.Categorical.from_codes(codes, dtype=column.dtype), index=column.index, name=column.name)
    categories = pd.Index(list(names), dtype=column.cat.categories.dtype if known and numbers is None else None)
    cells = pd.Categorical.from_codes(codes, categories, ordered=column.cat.ordered)
    return pd.Series(cells, index=column.index, name=column.name)


def _as_numbers(labels: Sequence[Any], dtype: Any) -> list[Any] | None:
    """Labels as numbers of a type, `None` if the type is none of numbers or cannot hold each of them."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iuf":
        return None
    read = [float("nan") if one is None else _number(one) for one in labels]
    found = [one for one in read if one is not None]
    if len(found) < len(labels):
        return None
    if dtype.kind == "f":
        return found
    limits = np.iinfo(dtype)
    whole = all(one.is_integer() and limits.min <= one <= limits.max for one in found)
    return [int(one) for one in found] if whole else None


def _number(label: Any) -> float | None:
    return None if isinstance(label, list | tuple | dict | np.ndarray | bool) else number_of(label)
