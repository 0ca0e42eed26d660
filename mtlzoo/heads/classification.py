"""One of several classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from mtlzoo.heads.classes import ClassesHead, accuracy_metrics
from mtlzoo.heads.order import distinct_labels
from mtlzoo.losses import MaskedCategoricalCrossentropy
from mtlzoo.metrics import MaskedCategoricalAccuracy


class ClassificationHead(ClassesHead):
    """A softmax over classes of which one is right.

    Args:
        classes: The number of classes, or their names in the order of the outputs; at least 2.
        label_smoothing: How much of each label is spread evenly over all classes, in `[0, 1)`.
        class_weight: `None`, a dictionary from class to weight, or `"balanced"`; see :class:`ClassesHead`.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, classes)` float32, the main metric `accuracy`.

    Example:

    ```python
    head = mtl.ClassificationHead(["short", "long"], hidden=[128], class_weight="balanced")
    head.encode(["long", "", "short"])  # [1, -1, 0]
    ```
    """

    ignored_by_encode = ("label_smoothing",)

    def __init__(self, classes: int | Sequence[str], *, label_smoothing: float = 0.0, **kwargs: Any):
        super().__init__(classes, **kwargs)
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

    def loss(self) -> MaskedCategoricalCrossentropy:
        """Categorical cross-entropy."""
        return MaskedCategoricalCrossentropy(len(self.names), self.label_smoothing, self.class_weights())

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy."""
        return [MaskedCategoricalAccuracy(len(self.names), name="accuracy")]

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """Accuracy beside the majority's, and balanced accuracy."""
        values = accuracy_metrics(self.confusion(targets, predictions)[0])
        accuracy, majority = values["accuracy"], values["accuracy_baseline"]
        return {"metric": "accuracy", "value": accuracy, "baseline": majority, "score": accuracy, **values}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"softmax, {len(self.names)} classes"
