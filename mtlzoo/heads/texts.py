"""Labels as texts, and how messages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def is_missing(value: Any) -> bool:
    """Whether a table's cell is empty: `None`, `NaN`, `NaT`, or a string of blanks."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return (isinstance(value, float | np.floating) and bool(np.isnan(value))) or type(value).__name__ in {
        "NAType",
        "NaTType",
    }


def label_text(label: Any) -> str:
    """A label as a text: texts as they are written, whole numbers without decimals."""
    if isinstance(label, float | np.floating) and float(label).is_integer():
        return str(int(label))
    return str(label)


def shorten(names: Sequence[Any], most: int = 20) -> str:
    """The valid names as a message lists them."""
    listed = ", ".join(map(value_text, names[:most]))
    return listed if len(names) <= most else f"{listed}, ... ({len(names)} in all)"


def value_text(value: Any, most: int = 80) -> str:
    """A cell as a message shows it, however long it is."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"
