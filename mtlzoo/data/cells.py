"""The different cells of a column of labels, and how messages name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

NAMED = 5
LENGTH = 40


@dataclass(frozen=True)
class Column:
    """The different texts in a column, each with the number of its cells."""

    counts: dict[str, int]

    @classmethod
    def of(cls, column: pd.Series) -> Column:
        """The texts of a categorical column."""
        codes, texts = column.cat.codes.to_numpy(), column.cat.categories.tolist()
        counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
        return cls({text: number for text, number in zip(texts, counts) if number})

    def without(self, texts: Iterable[str], column: pd.Series) -> pd.Series:
        """The column with the cells of these texts empty."""
        return column.cat.remove_categories(list(texts))


def renamed(column: pd.Series, names: list[str | None]) -> pd.Series:
    """A categorical column whose categories are called by other names, of which several may be the same."""
    codes, different = pd.factorize(pd.Series(names, dtype=object), sort=True)
    codes = np.append(codes, -1)[column.cat.codes.to_numpy()]
    categories = pd.Index(different, dtype="str")
    return pd.Series(pd.Categorical.from_codes(codes, categories), index=column.index, name=column.name)


def cells_named(text: str, number: int) -> str:
    """Such as `12 cells "NA"`."""
    return f'{number:,} cell{"s" * (number != 1)} "{short(text)}"'


def count_cells(texts: Iterable[str], counts: Mapping[str, int]) -> str:
    """Such as `12 cells "NA" and 1 cell "?"`, the most frequent first."""
    texts = sorted(texts, key=lambda text: (-counts[text], text))
    named = [cells_named(text, counts[text]) for text in texts[:NAMED]]
    if len(texts) > NAMED:
        named.append(f"{sum(counts[text] for text in texts[NAMED:]):,} others")
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def short(text: str, most: int = LENGTH) -> str:
    """A cell as a message shows it, on one line and not too long."""
    text = text.replace("\r\n", "\n").replace("\n", "\\n").replace("\r", "\\n")
    return text if len(text) <= most else f"{text[: most - 3]}..."
