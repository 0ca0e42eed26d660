"""One of several classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.classes import ClassesHead, accuracy_metrics, main_metrics
from mtlzoo.heads.imbalance import RareLabelsHead, order_metrics
from mtlzoo.heads.order import distinct_labels
from mtlzoo.heads.parts import keras, layers, losses, metrics


class ClassificationHead(RareLabelsHead, ClassesHead):
    """A softmax over classes of which one is right.

    Args:
        classes: The number of classes, or their names in the order of the outputs; at least 2.
        label_smoothing: How much of each label is spread evenly over all classes, in `[0, 1)`.
        class_weight: `None`, a dictionary from class to weight, or `"balanced"`; see :class:`ClassesHead`.
        metric: The main metric: `"accuracy"` (by default), `"balanced_accuracy"` or `"macro_f1"`.
        loss: `"crossentropy"` or `"focal"`, with the exponent `gamma`; see :class:`RareLabelsHead`.
        logit_adjustment: How far the loss makes up for rare classes, 0 by default; likewise.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, classes)` float32.

    Example:

    ```python
    head = mtl.ClassificationHead(["short", "long"], hidden=[128], class_weight="balanced")
    head.encode(["long", "", "short"])  # [1, -1, 0]
    ```
    """

    main_metrics = ("accuracy", "balanced_accuracy", "macro_f1")
    ignored_by_encode = ("label_smoothing",)

    def __init__(self, classes: int | Sequence[str], *, label_smoothing: float = 0.0, **kwargs: Any):
        super().__init__(classes=classes, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"Expected `label_smoothing` in [0, 1), received: {label_smoothing!r}.")
        self.label_smoothing = label_smoothing

    @classmethod
    def matches(cls, labels: pd.Series) -> bool:
        """Whatever no other kind claims."""
        return True

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> ClassificationHead:
        """A class for each different label."""
        return cls(distinct_labels(labels), **options)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (len(self.names),)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense softmax layer."""
        return layers.Dense(len(self.names), activation="softmax", dtype="float32", name=name)(features)

    def loss(self) -> losses.MaskedCategoricalCrossentropy:
        """Categorical cross-entropy, or the focal loss."""
        return losses.MaskedCategoricalCrossentropy(
            len(self.names), self.label_smoothing, self.class_weights(), self.loss_gamma(), self.logit_offset()
        )

    def metrics(self) -> list[keras.metrics.Metric]:
        """The main metric, and accuracy."""
        classes = len(self.names)
        make = {
            "accuracy": lambda: metrics.MaskedCategoricalAccuracy(classes, name="accuracy"),
            "balanced_accuracy": lambda: metrics.MaskedBalancedAccuracy(classes),
            "macro_f1": lambda: metrics.MaskedMacroF1(classes),
        }
        return order_metrics(self.main_metric, ["accuracy"], make)

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """The main metric beside the majority's, accuracy beside the majority's, and balanced accuracy."""
        matrix, _ = self.confusion(targets, predictions)
        return main_metrics(self.main_metric, accuracy_metrics(matrix), matrix)

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"softmax, {len(self.names)} classes"
