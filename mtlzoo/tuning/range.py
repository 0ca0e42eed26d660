"""Ranges of numbers, and choices, as a search draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class Range:
    """Numbers from a lowest to a highest; whole ones if both are.

    Attributes:
        low: The lowest.
        high: The highest.
        log: Whether what counts is the ratio, as for learning rates.

    Raises:
        ValueError: If these are no numbers, not in this order, or not above 0 with `log`.

    Example:

    ```python
    rates = mtl.tuning.Range(1e-4, 1e-2, log=True)
    assert rates == mtl.tuning.log(1e-4, 1e-2)
    ```
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        numbers = all(_is_number(value) and isfinite(value) for value in (self.low, self.high))
        if not (numbers and self.low < self.high and (self.low > 0 or not self.log)):
            raise ValueError(
                f"Expected a range of a lower and a higher number{', both above 0' * self.log}, received: "
                f"{self.low!r} and {self.high!r}."
            )

    def suggest(self, trial: Any, name: str) -> float:
        """A value for a trial of Optuna."""
        kind = trial.suggest_int if isinstance(self.low, int) and isinstance(self.high, int) else trial.suggest_float
        return kind(name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a value may be drawn."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        return _is_number(value) and self.low <= value <= self.high and (isinstance(value, int) or not whole)


@dataclass(frozen=True)
class Choice:
    """One of several values, of which none is nearer to another.

    Attributes:
        values: The values: texts, numbers, `True`, `False` and `None`.

    Raises:
        ValueError: If there are fewer than two, or others than these.
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        plain = all(value is None or isinstance(value, str | int | float | bool) for value in self.values)
        if len(self.values) < 2 or not plain:
            raise ValueError(
                f"Expected a list of at least two texts, numbers, True, False or None, received: {list(self.values)!r}."
            )

    def suggest(self, trial: Any, name: str) -> Any:
        """A value for a trial of Optuna."""
        return trial.suggest_categorical(name, list(self.values))

    def holds(self, value: Any) -> bool:
        """Whether a value may be drawn."""
        return any(value is known or (type(value) is type(known) and value == known) for known in self.values)


def log(low: float, high: float) -> Range:
    """Numbers whose ratio counts: as many between 0.001 and 0.01 as between 0.01 and 0.1.

    Args:
        low: The lowest, above 0.
        high: The highest.

    Returns:
        The range.

    Example:

    ```python
    space = {"learning_rate": mtl.tuning.log(1e-4, 1e-2)}
    ```
    """
    return Range(float(low), float(high), log=True)


def read_range(name: str, given: Any) -> Range | Choice:
    """What a setting is drawn from, as people write it.

    Args:
        name: The setting, for the message.
        given: A pair `(low, high)`, a :class:`Range`, or a list of choices.

    Raises:
        ValueError: If it is none of these.
    """
    if isinstance(given, Range | Choice):
        return given
    try:
        if isinstance(given, tuple) and len(given) == 2 and all(map(_is_number, given)):
            return Range(*given)
        if isinstance(given, Sequence) and not isinstance(given, str):
            return Choice(tuple(given))
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from None
    raise ValueError(
        f"{name!r}: expected a pair of numbers such as (0.0, 0.2), mtl.tuning.log(1e-4, 1e-2), or a list of choices, "
        f"received: {given!r}."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
