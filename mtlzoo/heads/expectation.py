"""A number as the expectation of a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.evidence import Tensor
from mtlzoo.heads.numbers import NumbersHead
from mtlzoo.heads.parts import keras, layers, losses, metrics, ops
from mtlzoo.heads.targets import number_targets

# With more, the softmax outgrows most backbones' features, and a bin hardly ever sees a label.
MOST_BINS = 1000


class ExpectationHead(NumbersHead):
    """One number, the expectation of a softmax over bins.

    A network that may be in doubt between two ages learns more of a face than one that must name a number at once (DEX,
    Rothe et al., ICCV workshops 2015). It is trained on Gaussians around the labels (label distribution learning) and on
    the error of the expectation itself (DLDL-v2, Gao et al., IJCAI 2018).

    Args:
        values: The bins: a pair (lowest, highest) for the whole numbers from one to the other, or a list of at least 3
            rising numbers; labels must lie within them.
        spread: The standard deviation of the Gaussian, in the labels' unit, at least 0: how far off a label may be. 0 puts
            all weight on the nearest two bins.
        expectation_weight: The factor of the expectation's absolute error, divided by `scale`, in the loss; at least 0.
        scale: The spread of the labels, above 0; learned from the training labels by :meth:`adapted` where not given, as
            their standard deviation.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, bins)` float32 and sums to one; the main metric is `mae` in the labels' unit. Its score is
    `scale / (scale + mae)`. The loss is :class:`mtlzoo.losses.MaskedLabelDistributionLoss`. Targets are float32
    `(rows, 1)`, `NaN` where missing.

    Example:

    ```python
    head = mtl.ExpectationHead((0, 116), hidden=[128])
    mtl.ExpectationHead((0, 2)).decode(np.array([[0.0, 0.25, 0.75]]))["answer"]  # [1.75]
    ```
    """

    numeric = False  # the loss is that of a distribution
    ignored_by_encode = ("spread", "expectation_weight")

    def __init__(
        self,
        values: Sequence[float],
        *,
        spread: float = 2.0,
        expectation_weight: float = 1.0,
        scale: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(scale=scale, **kwargs)
        self.values, self.bins = _values_and_bins(values)
        for argument, value in (("spread", spread), ("expectation_weight", expectation_weight)):
            if not 0 <= value < np.inf:
                raise ValueError(f"Expected a finite `{argument}` of at least 0, received: {value!r}.")
        self.spread = float(spread)
        self.expectation_weight = float(expectation_weight)

    @property
    def bin_width(self) -> float:
        """The mean distance of neighbouring bins."""
        return float((self.bins[-1] - self.bins[0]) / (len(self.bins) - 1))

    # === Labels ===

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> ExpectationHead:
        """The whole numbers from the smallest label to the largest, if no `values` are given."""
        numbers = pd.to_numeric(labels, errors="coerce")
        wrong = ~np.isfinite(numbers)
        if wrong.any():
            raise ValueError(
                f"expected numbers, received {str(labels[wrong].iloc[0])[:80]!r}; for ranges and levels take an ordinal head"
            )
        if "values" in options:
            return cls(**options)
        lowest, highest = int(np.floor(numbers.min())), int(np.ceil(numbers.max()))
        if highest - lowest >= MOST_BINS:
            raise ValueError(
                f"numbers from {lowest} to {highest} need more than {MOST_BINS} bins of one each; give the bins: "
                f"mtl.ExpectationHead(np.linspace({lowest}, {highest}, 101))"
            )
        return cls((lowest, highest), **options)

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Numbers, float32 `(rows, 1)`, `NaN` for missing.

        A value is a number within the bins or its text.
        """
        targets = super().encode(values)
        lowest, highest = self.bins[[0, -1]].astype("float32")
        beyond = (targets[:, 0] < lowest) | (targets[:, 0] > highest)
        if beyond.any():
            row = int(np.argmax(beyond))
            raise LabelError(row, f"expected a number from {lowest:g} to {highest:g}, received {targets[row, 0]:g}")
        return targets

    def reads_minus_one(self) -> bool:
        """Whether -1 lies within the bins or above them."""
        return bool(self.bins[0] <= -1)

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Numbers within the bins."""
        lowest, highest = self.bins[[0, -1]].astype("float32")
        return number_targets(targets, (1,), lowest, highest)

    # === Network and training ===

    def unit_names(self) -> Sequence[float]:
        """The bins."""
        return self.bins.tolist()

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (len(self.bins),)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense softmax layer."""
        return layers.Dense(len(self.bins), activation="softmax", dtype="float32", name=name)(features)

    def loss(self) -> losses.MaskedLabelDistributionLoss:
        """The divergence from a Gaussian around the label, and the error of the expectation."""
        return losses.MaskedLabelDistributionLoss(
            self.bins.tolist(), self.spread, self.expectation_weight, self.scale or 1.0
        )

    def metrics(self) -> list[keras.metrics.Metric]:
        """Mean absolute error of the expectation."""
        return [metrics.MaskedExpectationError(self.bins.tolist(), name="mae")]

    # === Predictions ===

    def answers(self, predictions: np.ndarray) -> np.ndarray:
        """The expectation of each row."""
        return (predictions.astype("float64") @ self.bins)[:, None]

    def evidence(self, outputs: Tensor) -> Tensor:
        """The expectation: what makes it high."""
        return ops.sum(outputs * ops.convert_to_tensor(self.bins, dtype=outputs.dtype), axis=-1)

    def display(self) -> dict[str, Any]:
        """The values that the probabilities are of."""
        return {"show": "expectation", "values": self.bins.tolist()}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"expectation over {len(self.bins)} values from {self.bins[0]:g} to {self.bins[-1]:g}"


def _values_and_bins(values: Any) -> tuple[list[float], np.ndarray]:
    """The bins as they were given, in plain numbers, and one by one."""
    try:
        given = np.asarray(values, "float64").ravel()
    except (TypeError, ValueError):
        given = np.empty(0)
    bins = given if len(given) > 2 and np.isfinite(given).all() else np.empty(0)
    if len(given) == 2 and np.isfinite(given).all() and (given % 1 == 0).all() and given[1] - given[0] < MOST_BINS:
        bins = np.arange(given[0], given[1] + 1)
    # In single precision, in which labels come.
    if not 2 <= len(bins) <= MOST_BINS or not (np.diff(bins.astype("float32")) > 0).all():
        raise ValueError(
            "Expected `values` to be a pair of whole numbers (lowest, highest) or a list of at least 3 rising numbers, "
            f"at most {MOST_BINS} bins in both cases, such as (0, 116) or np.linspace(0, 1, 51), received: {values!r}."
        )
    return [int(value) for value in given] if len(given) == 2 else given.tolist(), bins
