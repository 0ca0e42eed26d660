"""Cross-entropy of class and tag probabilities, focal and with adjusted logits where some are rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.losses.base import MaskedLoss, Tensor, focal_factor, logits_of, safe_log


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedCategoricalCrossentropy(MaskedLoss):
    """Cross-entropy between class labels and predicted class probabilities, over labelled rows.

    Args:
        classes: The number of classes, at least 2.
        label_smoothing: How much of each label is spread evenly over all classes, in `[0, 1)`.
        class_weight: Optional factor for the rows of each class, `classes` numbers. A soft label takes the weighted
            mean of its classes' factors. They multiply the rows' losses and leave the divisor alone (the number of
            labelled rows), as Keras' own `class_weight` does: in a batch with a single labelled row a weighted mean
            would cancel the weight.
        gamma: The exponent of the focal loss (Lin et al. 2017, arXiv:1708.02002): how much less rows count that are
            nearly right; 0 for plain cross-entropy.
        logit_offset: Optional numbers that the loss adds to the logits of the classes, `classes` numbers, for logit
            adjustment (Menon et al. 2021, arXiv:2007.07314). Predictions stay as they are.

    Targets are class ids `(batch,)` or probability rows `(batch, classes)`; predictions are probabilities
    `(batch, classes)`.

    Example:

    ```python
    loss = mtl.losses.MaskedCategoricalCrossentropy(classes=3)
    loss([0, -1], [[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])  # 0.693: the second row has no label
    ```
    """

    def __init__(
        self,
        classes: int,
        label_smoothing: float = 0.0,
        class_weight: Sequence[float] | None = None,
        gamma: float = 0.0,
        logit_offset: Sequence[float] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.classes = classes
        self.label_smoothing = label_smoothing
        self.class_weight = None if class_weight is None else [float(weight) for weight in class_weight]
        self.gamma = float(gamma)
        self.logit_offset = None if logit_offset is None else [float(offset) for offset in logit_offset]

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The cross-entropy of each row, in nats."""
        targets, labelled = masking.class_targets(y_true, self.classes)
        smooth = targets * (1 - self.label_smoothing) + self.label_smoothing / self.classes
        logits = logits_of(y_pred)
        if self.logit_offset is not None:  # the logarithms of probabilities are logits, too
            logits = (safe_log(y_pred) if logits is None else logits) + masking.floats(self.logit_offset)
        logarithms = safe_log(y_pred) if logits is None else ops.log_softmax(logits, axis=-1)
        costs = -smooth * logarithms
        if self.gamma:
            costs = costs * focal_factor(smooth, ops.exp(logarithms), self.gamma)
        values = ops.sum(costs, axis=-1)
        if self.class_weight is not None:
            values = values * ops.sum(targets * masking.floats(self.class_weight), axis=-1)
        return values, labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "label_smoothing": self.label_smoothing,
            "class_weight": self.class_weight,
            "gamma": self.gamma,
            "logit_offset": self.logit_offset,
        }


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedBinaryCrossentropy(MaskedLoss):
    """Cross-entropy of independent binary labels; each row is the mean over its labelled tags.

    Args:
        tags: The number of labels a row; 1 for a binary head.
        label_smoothing: How far each label is moved towards one half, in `[0, 1)`.
        tag_weight: Optional factors, one pair `(no, yes)` for each tag.
        gamma: As in :class:`MaskedCategoricalCrossentropy`.
        logit_offset: Likewise, a number for each tag.

    Targets are numbers in `[0, 1]` of shape `(batch, tags)` (or `(batch,)` for one tag), missing where negative or
    `NaN`; predictions are probabilities `(batch, tags)`.

    Example:

    ```python
    loss = mtl.losses.MaskedBinaryCrossentropy(tags=2)
    loss([[1, 0], [1, -1]], [[0.5, 0.5], [0.5, 0.9]])  # 0.693: the last entry has no label
    ```
    """

    def __init__(
        self,
        tags: int = 1,
        label_smoothing: float = 0.0,
        tag_weight: Sequence[Sequence[float]] | None = None,
        gamma: float = 0.0,
        logit_offset: Sequence[float] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.tags = tags
        self.label_smoothing = label_smoothing
        self.tag_weight = None if tag_weight is None else [[float(no), float(yes)] for no, yes in tag_weight]
        self.gamma = float(gamma)
        self.logit_offset = None if logit_offset is None else [float(offset) for offset in logit_offset]

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The mean cross-entropy of each row's labelled tags, in nats."""
        targets, labelled = masking.tag_targets(y_true, self.tags)
        smooth = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        log_yes, log_no = self._logarithms(y_pred)
        values = -smooth * log_yes - (1 - smooth) * log_no
        if self.gamma:
            values = values * focal_factor(smooth, ops.exp(log_yes), self.gamma)
        if self.tag_weight is not None:
            weights = masking.floats(self.tag_weight)
            values = values * (targets * weights[:, 1] + (1 - targets) * weights[:, 0])
        return masking.row_mean(values, labelled)

    def _logarithms(self, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The logarithms of the probabilities of yes and of no."""
        logits = logits_of(y_pred)
        y_pred = ops.reshape(y_pred, (-1, self.tags))
        if logits is None and self.logit_offset is None:
            return safe_log(y_pred), safe_log(1 - y_pred)
        # From 17 logits up a sigmoid is 1 in float32, and one minus it holds nothing to learn from.
        logits = safe_log(y_pred) - safe_log(1 - y_pred) if logits is None else ops.reshape(logits, (-1, self.tags))
        if self.logit_offset is not None:
            logits = logits + masking.floats(self.logit_offset)
        return ops.log_sigmoid(logits), ops.log_sigmoid(-logits)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "tags": self.tags,
            "label_smoothing": self.label_smoothing,
            "tag_weight": self.tag_weight,
            "gamma": self.gamma,
            "logit_offset": self.logit_offset,
        }
