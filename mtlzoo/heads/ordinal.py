"""One of several levels with an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.classes import ClassesHead, accuracy_metrics, main_metrics
from mtlzoo.heads.evidence import Tensor
from mtlzoo.heads.imbalance import order_metrics
from mtlzoo.heads.order import distinct_labels, numeric_order, order_wanted
from mtlzoo.heads.parts import keras, layers, losses, metrics, ops


class OrdinalHead(ClassesHead):
    """A distribution over ordered levels, trained so that a near miss costs less than a far one.

    The prediction is the median level, which has the smallest expected distance. The order of levels is the one that is
    given; only where all of a column's labels are numbers or ranges (`0-2`, `18 to 25`, `60+`) can a table tell it.

    Args:
        levels: The number of levels, or their names from the lowest to the highest; at least 2.
        class_weight: `None`, a dictionary from level to weight, or `"balanced"`; see :class:`ClassesHead`.
        metric: The main metric: `"mae"` (by default), the mean distance in levels, `"accuracy"`, `"balanced_accuracy"` or
            `"macro_f1"`.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, levels)` float32 and sums to one. The loss is :class:`mtlzoo.losses.MaskedOrdinalCrossentropy`.

    Example:

    ```python
    head = mtl.OrdinalHead(["short", "knee", "floor"])
    head.decode(np.array([[0.4, 0.35, 0.25]]))["answer"]  # ["knee"]
    ```
    """

    ordered = True
    main_metrics = ("mae", "accuracy", "balanced_accuracy", "macro_f1")

    def __init__(self, levels: int | Sequence[str], **kwargs: Any):
        super().__init__(levels, **kwargs)

    @property
    def levels(self) -> int | list[str]:
        """The number of levels, or their names."""
        return self.classes

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        config = super().get_config()
        del config["classes"]
        return config

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> OrdinalHead:
        """A level for each different label, in the order of the numbers or ranges that they name.

        Raises:
            ValueError: If a label names neither, or ranges overlap; text is never sorted by its letters.
        """
        levels = distinct_labels(labels)
        try:
            ordered = numeric_order(levels)
        except ValueError as error:
            raise order_wanted(levels, labels.name, str(error)) from None
        return cls(ordered, **options)

    def class_ids(self, targets: np.ndarray) -> np.ndarray:
        """The (median) level of each labelled row."""
        known = targets[self.labelled(targets)]
        return self.answers(known) if known.ndim == 2 and known.shape[1] > 1 else super().class_ids(targets)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (len(self.names),)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense softmax layer."""
        return layers.Dense(len(self.names), activation="softmax", dtype="float32", name=name)(features)

    def loss(self) -> losses.MaskedOrdinalCrossentropy:
        """Cross-entropy of the questions "above level k?"."""
        return losses.MaskedOrdinalCrossentropy(len(self.names), self.class_weights())

    def metrics(self) -> list[keras.metrics.Metric]:
        """The main metric, mean distance in levels, and accuracy."""
        levels = len(self.names)
        make = {
            "mae": lambda: metrics.MaskedOrdinalError(levels, name="mae"),
            "accuracy": lambda: metrics.MaskedOrdinalAccuracy(levels, name="accuracy"),
            "balanced_accuracy": lambda: metrics.MaskedBalancedAccuracy(levels, ordinal=True),
            "macro_f1": lambda: metrics.MaskedMacroF1(levels, ordinal=True),
        }
        return order_metrics(self.main_metric, ["mae", "accuracy"], make)

    def score(self, value: Any) -> Any:
        """One less the fraction of the longest possible distance; another main metric than that is a score by itself."""
        return 1 - value / (len(self.names) - 1) if self.main_metric == "mae" else value

    def answers(self, predictions: np.ndarray) -> np.ndarray:
        """The id of the median level of each row."""
        return (predictions.cumsum(axis=-1)[:, :-1] < 0.5).sum(axis=-1)

    def evidence(self, outputs: Tensor) -> Tensor:
        """The expected level: what makes it high."""
        return ops.sum(outputs * ops.arange(len(self.names), dtype=outputs.dtype), axis=-1)

    def display(self) -> dict[str, Any]:
        """The levels' names in their order."""
        return {"show": "levels", "names": list(self.names)}

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """The main metric beside that of the trivial baseline, mean distance, accuracy beside the majority's, and balanced
        accuracy."""
        truth, (matrix, _) = self.class_ids(targets), self.confusion(targets, predictions)
        distances = np.abs(truth - self.answers(predictions[self.labelled(targets)]))
        mae = float(distances.mean()) if len(truth) else float("nan")
        values = {"mae": mae, **accuracy_metrics(matrix)}
        if self.main_metric != "mae":
            return main_metrics(self.main_metric, values, matrix)
        baseline = float(np.abs(truth - np.median(truth)).mean()) if len(truth) else float("nan")  # of the median level
        return {"metric": "mae", "value": mae, "baseline": baseline, "score": self.score(mae), **values}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"ordinal, {len(self.names)} levels"
