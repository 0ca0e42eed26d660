"""Yes or no."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.base import Head
from mtlzoo.heads.classes import ClassesHead, accuracy_metrics, main_metrics
from mtlzoo.heads.evidence import Tensor, tag_scores
from mtlzoo.heads.imbalance import RareLabelsHead, order_metrics
from mtlzoo.heads.order import distinct_labels
from mtlzoo.heads.parts import keras, layers, losses, masking, metrics, ops
from mtlzoo.heads.tags import lists_texts
from mtlzoo.heads.targets import tag_targets
from mtlzoo.heads.teachable import sigmoid_at
from mtlzoo.heads.thresholds import MIDDLE, ThresholdHead, check_thresholds
from mtlzoo.images.geometry import ImageGeometry


class BinaryHead(RareLabelsHead, ThresholdHead, ClassesHead):
    """One sigmoid: the probability of the second of two labels.

    Args:
        labels: The names of the two labels, the negative one first.
        threshold: The probability from which on the prediction is the second label.
        label_smoothing: How far labels are moved towards one half, in `[0, 1)`.
        class_weight: `None`, a dictionary from label to weight, or `"balanced"`; see :class:`ClassesHead`.
        metric: The main metric: `"accuracy"` (by default), `"balanced_accuracy"`, `"auc"`, the area under the ROC curve,
            or `"f1"` of the second label. Where one label is rare, accuracy says nothing.
        loss: `"crossentropy"` or `"focal"`, with the exponent `gamma`; see :class:`RareLabelsHead`.
        logit_adjustment: How far the loss makes up for a rare label, 0 by default; likewise.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, 1)` float32. Targets are float32 `(rows,)`, `-1` where missing.

    Example:

    ```python
    head = mtl.BinaryHead(labels=["male", "female"])
    head.encode(["female", None, "male"])  # [1.0, -1.0, 0.0]
    ```
    """

    main_metrics = ("accuracy", "balanced_accuracy", "auc", "f1")
    ignored_by_encode = ("threshold", "label_smoothing")

    def __init__(
        self,
        labels: Sequence[str] = ("no", "yes"),
        *,
        threshold: float = MIDDLE,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ):
        if isinstance(labels, str) or len(labels) != 2:
            raise ValueError(f"Expected `labels` to be two names, the negative one first, received: {labels!r}.")
        super().__init__(classes=labels, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"Expected `label_smoothing` in [0, 1), received: {label_smoothing!r}.")
        self.label_smoothing = label_smoothing
        self.threshold = check_thresholds(threshold, self.questions())

    def questions(self) -> list[str]:
        """The second label."""
        return self.names[1:]

    @property
    def labels(self) -> list[str]:
        """The names of the two labels, the negative one first."""
        return self.names

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        config = super().get_config()
        del config["classes"]
        return config

    # === Labels ===

    @classmethod
    def matches(cls, labels: pd.Series) -> bool:
        """Two different labels, neither a list of tags nor a number with decimals."""
        names = distinct_labels(labels)
        if any(map(lists_texts, names)) or any(isinstance(label, list | tuple | set) for label in labels):
            return False
        whole = all(re.fullmatch(r"[+-]?\d+(\.0*)?", name) for name in names)
        return len(names) == 2 and (whole or not any(mark in name for name in names for mark in ";|."))

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> BinaryHead:
        """Two labels in sorted order, so that no comes before yes."""
        return cls(distinct_labels(labels), **options)

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Probabilities of the second label, float32 `(rows,)`, `-1` for missing.

        A value is one of the two labels, 0 or 1, a truth value, or a pair of numbers as a soft label.
        """
        targets = super().encode(values)
        if targets.ndim == 2:
            targets = np.where(targets.any(axis=-1), targets[:, 1], -1)
        return targets.astype("float32")

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Numbers from 0 to 1."""
        return tag_targets(targets)[:, 0]

    def read(self, targets: Any) -> tuple[Any, Any]:
        """The one number, and whether it is labelled."""
        return masking.tag_targets(targets)

    def mirror(self, targets: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        """The two labels change places, if they are a pair."""
        if not self.flip_pairs:
            return targets
        mirrored = mirrored.reshape(-1, *[1] * (targets.ndim - 1))
        return np.where(mirrored & (targets >= 0), 1 - targets, targets)

    def class_ids(self, targets: np.ndarray) -> np.ndarray:
        """The label, 0 or 1, of each labelled row."""
        return (targets[self.labelled(targets)].reshape(-1) >= 0.5).astype("int64")

    # === Network and training ===

    def unit_names(self) -> None:
        """None: one unit decides between both labels."""
        return None

    def fits_weights_of(self, other: Head) -> bool:
        """Whether the other head decides between the same two labels."""
        return isinstance(other, BinaryHead) and super().fits_weights_of(other) and self.names == other.names

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (1,)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense sigmoid layer of one unit."""
        return layers.Dense(1, activation="sigmoid", dtype="float32", name=name)(features)

    def loss(self) -> losses.MaskedBinaryCrossentropy:
        """Binary cross-entropy, or the focal loss."""
        weights, offsets = self.class_weights(), self.logit_offset()
        return losses.MaskedBinaryCrossentropy(
            1,
            self.label_smoothing,
            None if weights is None else [weights],
            self.loss_gamma(),
            None if offsets is None else [offsets[1] - offsets[0]],
        )

    def metrics(self) -> list[keras.metrics.Metric]:
        """The main metric, and accuracy."""
        make = {
            "accuracy": lambda: metrics.MaskedBinaryAccuracy(1, self.threshold, name="accuracy"),
            "balanced_accuracy": lambda: metrics.MaskedBinaryBalancedAccuracy(1, self.threshold),
            "auc": lambda: metrics.MaskedAUC(),
            "f1": lambda: metrics.MaskedF1(1, self.threshold),
        }
        return order_metrics(self.main_metric, ["accuracy"], make)

    # === Predictions ===

    def answers(self, predictions: np.ndarray) -> np.ndarray:
        """The prediction of each row: 1 from the threshold up."""
        return self.given(predictions.reshape(-1)).astype("int64")

    def probabilities(self, predictions: np.ndarray) -> np.ndarray:
        """The probability of either label, `(rows, 2)`."""
        return np.stack([1 - predictions.reshape(-1), predictions.reshape(-1)], axis=-1)

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The probability of the second label."""
        return predictions.reshape(-1).astype("float32")

    def at_temperature(self, predictions: np.ndarray, temperature: float) -> np.ndarray:
        """The sigmoid of the logit, divided."""
        return sigmoid_at(predictions, temperature)

    def evidence(self, outputs: Tensor) -> Tensor:
        """The logit of the predicted label."""
        return ops.abs(tag_scores(outputs)[:, 0])

    def display(self) -> dict[str, Any]:
        """The names of the two labels, and the probability from which on it is the second."""
        return {"show": "binary", "names": list(self.names), "threshold": self.threshold}

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """The main metric beside that of the trivial baseline, accuracy beside the majority's, balanced accuracy, and the
        area under the ROC curve."""
        matrix, _ = self.confusion(targets, predictions)
        truth = self.class_ids(targets)
        values = {
            **accuracy_metrics(matrix),
            "auc": area_under_curve(truth, predictions.reshape(-1)[self.labelled(targets)]),
        }
        if self.main_metric != "f1":
            return main_metrics(self.main_metric, values, matrix)
        value = f1_score(truth == 1, self.answers(predictions[self.labelled(targets)]) == 1)
        baseline = f1_score(truth == 1, np.ones(len(truth), bool))  # of saying yes each time
        return {"metric": "f1", "value": value, "baseline": baseline, "score": value, **values, "f1": value}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"sigmoid, {self.names[0]} or {self.names[1]}"


def f1_score(truth: np.ndarray, answers: np.ndarray) -> float:
    """The F1 of truth values `(rows,)`, `NaN` where nothing is true or answered."""
    counted = truth.sum() + answers.sum()
    return float(2 * (truth & answers).sum() / counted) if counted else float("nan")


def area_under_curve(truth: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC curve, from the ranks of the positives (Mann and Whitney 1947); ties count one half."""
    positives, negatives = int(truth.sum()), int(len(truth) - truth.sum())
    if not positives or not negatives or np.isnan(scores).any():
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[places]
    return float((ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
