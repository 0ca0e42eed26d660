"""What the heads that predict numbers share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.base import Head
from mtlzoo.heads.mixed import WAYS
from mtlzoo.heads.parts import masking
from mtlzoo.heads.targets import number_targets
from mtlzoo.heads.texts import is_missing, value_text
from mtlzoo.images.geometry import ImageGeometry


class NumbersHead(Head):
    """A head that predicts numbers in the labels' own unit.

    Args:
        scale: The spread of the numbers, above 0; learned from the training labels by :meth:`adapted` where not given, as
            their standard deviation.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The main metric is `mae` in the labels' unit, its score `scale / (scale + mae)`. Targets are float32 `(rows, units)`,
    `NaN` where missing, for each number by itself.
    """

    units = 1
    numeric = True
    reads_numbers = True
    mixes: ClassVar[tuple[str, ...]] = WAYS
    learned_units: ClassVar[tuple[str, ...]] = ("scale",)
    ignored_by_encode: ClassVar[tuple[str, ...]] = ("scale",)

    def __init__(self, *, scale: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if scale is not None and not 0 < scale < np.inf:
            raise ValueError(f"Expected a finite `scale` above 0, received: {scale!r}.")
        self.scale = None if scale is None else float(scale)

    # === Labels ===

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Numbers, float32 `(rows, units)`, `NaN` for missing.

        A value is a number or its text; for several units a sequence of numbers, or a text with `;` between them.
        """
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused as that
            if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype != object:
                targets = values.astype("float32")
            elif self.units == 1 and pd.api.types.is_numeric_dtype(getattr(values, "dtype", object)):
                targets = np.asarray(values, "float32").reshape(-1, 1)
            else:
                targets = np.asarray([self._numbers(value, row) for row, value in enumerate(values)], "float32")
                targets = targets.reshape(-1, self.units)
        if targets.shape[1] != self.units:
            raise LabelError(0, f"expected {self.units} numbers a row, received {targets.shape[1]}")
        if np.isinf(targets).any():
            raise LabelError(int(np.argmax(np.isinf(targets).any(axis=1))), "expected a finite number, received inf")
        return targets

    def _numbers(self, value: Any, row: int) -> list[float]:
        parts = value
        if not isinstance(value, list | tuple | np.ndarray):
            if is_missing(value):
                return [float("nan")] * self.units
            parts = value.split(";") if isinstance(value, str) else [value]
        try:
            numbers = [float("nan") if is_missing(part) else _number(part) for part in parts]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != self.units:
            raise LabelError(row, f"expected {self.units} number{'s' * (self.units > 1)}, received {value_text(value)}")
        return numbers

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have at least one number."""
        return ~np.isnan(targets.reshape(-1, self.units)).all(axis=-1)

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Finite numbers."""
        return number_targets(targets, (self.units,))

    def read(self, targets: Any) -> tuple[Any, Any]:
        """Each number, and whether it is labelled."""
        return masking.number_targets(targets, self.units)

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """The tenth of the range of ranks in which the first number of each row lies."""
        first = targets[:, 0]
        known = ~np.isnan(first)
        strata = np.full(len(first), -1, "int32")
        if known.any():
            strata[known] = np.searchsorted(
                np.quantile(first[known], np.arange(1, 10) / 10), first[known], side="right"
            )
        return strata

    def learned(self, targets: np.ndarray) -> dict[str, Any]:
        """The standard deviation, where no scale was given."""
        numbers = targets[~np.isnan(targets)].astype("float64")
        return {"scale": float(numbers.std() or 1.0)} if len(numbers) and self.scale is None else {}

    # === Predictions ===

    def score(self, value: Any) -> Any:
        """`scale / (scale + value)`: one half where the error is as large as the spread of the labels."""
        scale = self.scale or 1.0
        return scale / (scale + value)

    @abstractmethod
    def answers(self, predictions: np.ndarray) -> np.ndarray:
        """The numbers `(rows, units)` that the network's output says."""

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The numbers."""
        return self.answers(predictions).astype("float32")

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """The number, or a list of several."""
        answers = self.answers(predictions).astype("float64")
        if self.units == 1:
            return {"answer": answers[:, 0]}
        lists = np.empty(len(answers), dtype=object)
        lists[:] = answers.tolist()
        return {"answer": lists}

    def details(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """`predictions`, float32 `(rows, units)`."""
        return {"predictions": self.answers(predictions).astype("float32")}

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """Mean absolute error beside that of the labels' mean, and the fraction of variance explained."""
        targets, predictions = targets.reshape(-1, self.units), self.answers(predictions)
        labelled = ~np.isnan(targets)
        if not labelled.any():
            return {"metric": "mae", **dict.fromkeys(("value", "baseline", "score", "mae", "r2"), float("nan"))}
        mean = np.nanmean(targets[:, labelled.any(axis=0)], axis=0, keepdims=True)
        column_means = np.full((1, self.units), np.nan)
        column_means[:, labelled.any(axis=0)] = mean
        mae, baseline = _mean_of_rows(np.abs(predictions - targets)), _mean_of_rows(np.abs(column_means - targets))
        spread = np.nansum(np.square(targets - column_means))
        r2 = float(1 - np.nansum(np.square(targets - predictions)) / spread) if spread else float("nan")
        return {"metric": "mae", "value": mae, "baseline": baseline, "score": self.score(mae), "mae": mae, "r2": r2}


def _mean_of_rows(differences: np.ndarray) -> float:
    """The mean over rows of each row's mean over what is not `NaN`, as the metric counts."""
    rows = ~np.isnan(differences).all(axis=-1)
    return float(np.nanmean(differences[rows], axis=-1).mean())


def _number(part: Any) -> float:
    """A part as a number, but for `1_000`, which Python alone takes for one."""
    if isinstance(part, str) and "_" in part:
        raise ValueError
    return float(part)
