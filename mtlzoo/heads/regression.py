"""Numbers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from mtlzoo.heads.base import Head, LabelError, is_missing
from mtlzoo.losses import MaskedHuber, MaskedLoss, MaskedMeanAbsoluteError, MaskedMeanSquaredError
from mtlzoo.metrics import MaskedMeanAbsoluteError as MeanAbsoluteError

# A column of whole numbers with at most so many different ones is guessed to hold classes, with more a quantity.
MOST_NUMBERED_CLASSES = 20

LOSSES: dict[str, type[MaskedLoss]] = {
    "huber": MaskedHuber,
    "mae": MaskedMeanAbsoluteError,
    "mse": MaskedMeanSquaredError,
}


class RegressionHead(Head):
    """One number or several, in their own unit.

    The network computes `(number - mean) / scale`, which starts near the right size and gives the loss the size of the
    other heads'; a `Rescaling` layer brings the output back to the unit of the labels.

    Args:
        units: How many numbers.
        loss: `"huber"` (default: outliers cannot dominate), `"mae"` or `"mse"`, of the scaled difference.
        mean: The middle of the numbers; learned from the training labels by :meth:`adapt` where not given.
        scale: Their spread, above 0; likewise, their standard deviation.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, units)` float32, the main metric `mae` in the labels' unit. Its score is
    `scale / (scale + mae)`. Targets are float32 `(rows, units)`, `NaN` where missing, for each number by itself.

    Example:

    ```python
    heads = {"age": mtl.RegressionHead(hidden=[128], loss="mae")}
    ```
    """

    def __init__(
        self,
        units: int = 1,
        *,
        loss: str = "huber",
        mean: float | None = None,
        scale: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not isinstance(units, Integral) or units < 1:
            raise ValueError(f"Expected `units` to be a positive integer, received: {units!r}.")
        if loss not in LOSSES:
            raise ValueError(f"Expected `loss` to be one of {', '.join(LOSSES)}, received: {loss!r}.")
        if mean is not None and not np.isfinite(mean):
            raise ValueError(f"Expected a finite `mean`, received: {mean!r}.")
        if scale is not None and not 0 < scale < np.inf:
            raise ValueError(f"Expected a finite `scale` above 0, received: {scale!r}.")
        self.units = int(units)
        self._loss = loss
        self.mean = None if mean is None else float(mean)
        self.scale = None if scale is None else float(scale)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "loss": self._loss}

    # === Labels ===

    @classmethod
    def recognises(cls, labels: pd.Series) -> bool:
        """Numbers with decimals, or more different whole numbers than classes are numbered with."""
        numbers = pd.to_numeric(labels, errors="coerce")
        return bool(numbers.notna().all()) and ((numbers % 1 != 0).any() or numbers.nunique() > MOST_NUMBERED_CLASSES)

    @classmethod
    def for_labels(cls, labels: pd.Series) -> RegressionHead:
        """One number."""
        return cls()

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
            numbers = [float("nan") if is_missing(part) else float(part) for part in parts]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != self.units:
            raise LabelError(row, f"expected {self.units} number{'s' * (self.units > 1)}, received {value!r}")
        return numbers

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have at least one number."""
        return ~np.isnan(targets.reshape(-1, self.units)).all(axis=-1)

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

    def adapt(self, targets: np.ndarray) -> None:
        """Learn the mean and the standard deviation, each where it was not given."""
        numbers = targets[~np.isnan(targets)].astype("float64")
        if len(numbers):
            self.mean = float(numbers.mean()) if self.mean is None else self.mean
            self.scale = float(numbers.std() or 1.0) if self.scale is None else self.scale

    # === Network and training ===

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense layer of scaled numbers, and their way back to the labels' unit."""
        scaled = layers.Dense(self.units, dtype="float32", name=f"{name}_scaled")(features)
        return layers.Rescaling(self.scale or 1.0, self.mean or 0.0, dtype="float32", name=name)(scaled)

    def update(self, layer: keras.Layer) -> None:
        """Give the output layer the mean and scale learned since it was built."""
        layer.scale, layer.offset = self.scale or 1.0, self.mean or 0.0

    def loss(self) -> MaskedLoss:
        """The chosen loss of the scaled difference."""
        return LOSSES[self._loss](self.units, scale=self.scale or 1.0)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Mean absolute error."""
        return [MeanAbsoluteError(self.units, name="mae")]

    def score(self, value: Any) -> Any:
        """`scale / (scale + value)`: one half where the error is as large as the spread of the labels."""
        scale = self.scale or 1.0
        return scale / (scale + value)

    # === Answers ===

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """The number, or a list of several."""
        predictions = predictions.reshape(-1, self.units).astype("float64")
        if self.units == 1:
            return {"answer": predictions[:, 0]}
        answers = np.empty(len(predictions), dtype=object)
        answers[:] = predictions.tolist()
        return {"answer": answers}

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """Mean absolute error beside that of the labels' mean, and the share of variance explained."""
        targets, predictions = targets.reshape(-1, self.units), predictions.reshape(-1, self.units)
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

    def describe(self) -> str:
        """The kind of answer in a few words."""
        return "a number" if self.units == 1 else f"{self.units} numbers"


def _mean_of_rows(differences: np.ndarray) -> float:
    """The mean over rows of each row's mean over what is not `NaN`, as the metric counts."""
    rows = ~np.isnan(differences).all(axis=-1)
    return float(np.nanmean(differences[rows], axis=-1).mean())
