"""Numbers."""

from __future__ import annotations

import re
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.evidence import Tensor
from mtlzoo.heads.numbers import NumbersHead
from mtlzoo.heads.parts import keras, layers, losses, metrics
from mtlzoo.system.registries import LOSSES

# A column of whole numbers with at most so many different ones is guessed to hold classes, with more a quantity.
MOST_NUMBERED_CLASSES = 20


class RegressionHead(NumbersHead):
    """One number or several, in their own unit.

    The network computes `(number - mean) / scale`, which starts near the right size and gives the loss the size of the
    other heads'; a `Rescaling` layer brings the output back to the unit of the labels.

    Args:
        units: How many numbers.
        loss: `"huber"` (default: outliers cannot dominate), `"mae"` or `"mse"`, of the scaled difference.
        mean: The middle of the numbers; learned from the training labels by :meth:`adapted` where not given.
        scale: Their spread, above 0; likewise, their standard deviation.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, units)` float32, the main metric `mae` in the labels' unit. Its score is
    `scale / (scale + mae)`. Targets are float32 `(rows, units)`, `NaN` where missing, for each number by itself.

    Example:

    ```python
    heads = {"age": mtl.RegressionHead(hidden=[128], loss="mae")}
    ```
    """

    learned_units = ("mean", "scale")
    ignored_by_encode = ("mean", "loss")

    def __init__(
        self,
        units: int = 1,
        *,
        loss: str = "huber",
        mean: float | None = None,
        scale: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(scale=scale, **kwargs)
        if not isinstance(units, Integral) or units < 1:
            raise ValueError(f"Expected `units` to be a positive integer, received: {units!r}.")
        if loss not in LOSSES:
            raise ValueError(f"Expected `loss` to be one of {', '.join(LOSSES)}, received: {loss!r}.")
        if mean is not None and not np.isfinite(mean):
            raise ValueError(f"Expected a finite `mean`, received: {mean!r}.")
        self.units = int(units)
        self._loss: str = loss
        self.mean: float | None = None if mean is None else float(mean)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "loss": self._loss}

    # === Labels ===

    @classmethod
    def matches(cls, labels: pd.Series) -> bool:
        """Numbers with decimals, or more different whole numbers than classes are numbered with; codes such as 007 are
        names."""
        numbers = pd.to_numeric(labels, errors="coerce")
        if any(isinstance(label, str) and re.fullmatch(r"[+-]?0\d+", label) for label in labels):
            return False
        return bool(numbers.notna().all()) and ((numbers % 1 != 0).any() or numbers.nunique() > MOST_NUMBERED_CLASSES)

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> RegressionHead:
        """One number."""
        return cls(**options)

    def learned(self, targets: np.ndarray) -> dict[str, Any]:
        """The mean and the standard deviation, each where it was not given."""
        numbers = targets[~np.isnan(targets)].astype("float64")
        mean = {"mean": float(numbers.mean())} if len(numbers) and self.mean is None else {}
        return {**mean, **super().learned(targets)}

    # === Network and training ===

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (self.units,)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense layer of scaled numbers, and their way back to the labels' unit."""
        scaled = layers.Dense(self.units, dtype="float32", name=f"{name}_scaled")(features)
        return layers.Rescaling(self.scale or 1.0, self.mean or 0.0, dtype="float32", name=name)(scaled)

    def update(self, layer: keras.Layer) -> None:
        """Give the output layer the mean and scale learned since it was built."""
        layer.scale, layer.offset = self.scale or 1.0, self.mean or 0.0

    def loss(self) -> losses.MaskedLoss:
        """The chosen loss of the scaled difference."""
        return LOSSES[self._loss](self.units, scale=self.scale or 1.0)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Mean absolute error."""
        return [metrics.MaskedMeanAbsoluteError(self.units, name="mae")]

    # === Predictions ===

    def answers(self, predictions: np.ndarray) -> np.ndarray:
        """The output itself."""
        return predictions.reshape(-1, self.units)

    def evidence(self, outputs: Tensor) -> Tensor:
        """The number, or the sum of several: what makes it high."""
        return super().evidence(outputs)

    def display(self) -> dict[str, Any]:
        """The numbers, in a range of three times the spread to either side of the mean."""
        if self.mean is None or self.scale is None:
            return {"show": "numbers"}
        return {"show": "numbers", "range": [self.mean - 3 * self.scale, self.mean + 3 * self.scale]}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return "a number" if self.units == 1 else f"{self.units} numbers"
