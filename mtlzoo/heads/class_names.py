"""Which class a cell names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from mtlzoo.errors import LabelError


def class_names(classes: int | Sequence[str]) -> list[str]:
    """The names of so many classes (their ids as text), or the given names as texts.

    Raises:
        ValueError: If there is none, two are the same, or the value is neither a number nor a list.
    """
    if isinstance(classes, Integral) and not isinstance(classes, bool):
        names = [str(index) for index in range(classes)]
    elif isinstance(classes, str | bool) or not hasattr(classes, "__iter__"):
        raise ValueError(f"Expected a number of classes or a list of their names, received: {classes!r}.")
    else:
        names = [str(name) for name in classes]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Expected names that differ, at least one, received: {classes!r}.")
    return names


class NameIndex:
    """Finds the class that a cell names: by its name, by the same number written otherwise, or by its id.

    Args:
        names: The classes' names in the order of their ids.

    Example:

    ```python
    NameIndex(["1.0", "2.0"])(1)  # 0
    NameIndex(["short", "long"])("1")  # 1
    ```
    """

    def __init__(self, names: Sequence[str]):
        self.ids = {name: index for index, name in reversed(list(enumerate(names)))}
        self.count = len(names)
        self.numbers: dict[float, list[int]] = {}
        for index, name in enumerate(names):
            if (number := number_of(name)) is not None:
                self.numbers.setdefault(number, []).append(index)

    def __call__(self, value: Any) -> int | None:
        """The class's id, `-1` for missing, or `None` if there is no such class.

        The text as it stands comes first. A number finds the one class whose name is that number (`1.0` finds `"1"` or
        `"01"`, but neither if there are both); it is an id only where no class has a number for its name: 0 is not the first
        of the classes `["1", "2"]`.
        """
        for text in (str(value), str(value).strip()):
            if text in self.ids:
                return self.ids[text]
        number = number_of(value)
        if number is None:
            return None
        if number in self.numbers:
            (index, *others) = self.numbers[number]
            return None if others else index
        if number == -1:
            return -1
        return int(number) if number.is_integer() and 0 <= number < self.count and not self.numbers else None


def class_id(value: Any, names: Sequence[str]) -> int | None:
    """What `NameIndex(names)` says of one value."""
    return NameIndex(names)(value)


def number_of(value: Any) -> float | None:
    """A cell as a finite number; `None` if it is none, such as `1_0`, which Python would take for one."""
    if isinstance(value, str) and "_" in value:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def check_signs(values: Iterable[Any] | np.ndarray) -> None:
    """Refuse labels of two classes that are written as -1 and 1: -1 is a missing label, so that all others would be 1.

    Args:
        values: The labels of two classes without numbers other than 0 and 1 for their names, or of tags.

    Raises:
        LabelError: If -1 and 1 occur, and nothing else does.
    """
    if isinstance(values, np.ndarray) and values.ndim == 2:
        signs = bool(values.size) and bool(np.isin(values[~np.isnan(values)], (-1, 1)).all())
        row = int(np.argmax((values == -1).any(axis=-1)))
        both = bool((values == -1).any() and (values == 1).any())
        whole = bool(
            ((values == -1).any(axis=-1) & (values == 1).any(axis=-1)).any()
        )  # rows that are missing as a whole
        signs = signs and both and whole
        told = "write 0 for tags that do not apply"
    else:
        numbers = [number_of(value) for value in values]
        row = numbers.index(-1.0) if -1.0 in numbers else 0
        signs = set(numbers) == {-1.0, 1.0}
        told = (
            'say which it is: mtl.BinaryHead(labels=["-1", "1"]) if it is the negative answer; an empty cell instead, or '
            "missing=[-1] where the table is read, if it is a missing label"
        )
    if signs:
        raise LabelError(
            row, f"expected 0 and 1, received only -1 and 1, where -1 may mean no or a missing label; {told}"
        )
