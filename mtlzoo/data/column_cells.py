"""The cells of a column as JSON can hold them: each different one once, and which of them each row has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.texts import is_missing


def distinct_cells(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """The different cells of a column as JSON has them, and which of them each row has, -1 where missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, used = pd.factorize(column.cat.codes.to_numpy())
        cells = [None if code < 0 else column.cat.categories[code] for code in used]
    elif column.dtype == object:  # Lists cannot be told apart by their hash, nor 1 from True.
        texts = pd.Series([json.dumps(_plain(cell), default=str) for cell in column], dtype=object)
        codes, used = pd.factorize(texts)
        cells = list(map(json.loads, used))
    else:
        codes, used = pd.factorize(column)
        cells = list(used)
    cells = [_plain(cell) for cell in cells]
    known = [place for place, cell in enumerate(cells) if cell is not None]
    renumbered = np.full(len(cells) + 1, -1, np.min_scalar_type(-max(1, len(known))))
    renumbered[known] = np.arange(len(known))
    return renumbered[codes], [cells[place] for place in known]


def _plain(cell: Any) -> Any:
    """A cell as JSON has it, `None` if it is missing."""
    if isinstance(cell, np.ndarray | np.generic):
        cell = cell.tolist()
    if isinstance(cell, list | tuple | set):
        return [_number(part) for part in cell]
    return None if is_missing(cell) else cell


def _number(part: Any) -> Any:
    """A part of a list; of missing numbers too, which are places."""
    if isinstance(part, list | tuple | set | np.ndarray):
        return [_number(one) for one in part]
    return part.item() if isinstance(part, np.generic) else part


def restore_cells(codes: np.ndarray, values: list[Any]) -> pd.Series:
    """The cells again: numbers as such, texts as categories where rows share them, all else as objects."""
    kinds: Iterator[type] = map(type, values)
    if values and all(kind in (int, float) for kind in kinds):
        numbers = pd.Series(np.asarray([*values, np.nan] if (codes < 0).any() else values))
        return numbers.iloc[codes].reset_index(drop=True)
    if all(isinstance(value, str) for value in values) and len(values) < len(codes):
        return pd.Series(pd.Categorical.from_codes(codes, values))
    cells = np.empty(len(values) + 1, dtype=object)
    cells[:-1] = pd.Series(values, dtype=object)
    cells[-1] = None
    return pd.Series(cells[codes], dtype=object)
