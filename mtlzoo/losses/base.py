"""The masked loss that all others are built on."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from mtlzoo import keras_compat, masking

Tensor = Any

# The smallest probability a logarithm is taken of where the logits are not known. Keras then clips at 1e-7, beyond which
# its gradient is zero: a confident mistake could never be unlearned. At the smallest normal float32 the gradient stays
# right up to 87 logits.
SMALLEST = 1.2e-38


class MaskedLoss(keras.losses.Loss):
    """A loss that is the mean over labelled rows.

    Subclasses say, in :meth:`rows`, what each row costs and which rows are labelled. Called like any Keras loss, with
    optional sample weights `w`, the result is the sum of `w * loss` over the sum of `w`, both over labelled rows:
    exactly 0, with zero gradients, where no row is labelled. It is therefore a drop-in loss for `keras.Model.compile`;
    `MultiTaskModel` uses the sums themselves, so that an epoch's mean is exact too.

    Args:
        name: The name of the loss.
        **kwargs: What `keras.losses.Loss` takes, such as `dtype`.

    Raises:
        ValueError: If `reduction` is any but the mean.

    Example:

    ```python
    class MaskedHinge(mtl.losses.MaskedLoss):
        # The hinge loss of labels -1 and 1; 0 stands for a missing one.

        def rows(self, y_true, y_pred):
            labels = ops.cast(ops.reshape(y_true, (-1,)), "float32")
            return ops.relu(1 - labels * ops.reshape(y_pred, (-1,))), labels != 0

    MaskedHinge()([1, -1, 0], [[0.5], [0.5], [9.0]])  # 1.0, the mean of 0.5 and 1.5
    ```
    """

    def __init__(self, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if self.reduction in ("sum", "none", None):
            raise ValueError(
                f"Expected no `reduction` but the mean over labelled rows, received: {self.reduction!r}. `sums` gives the "
                "sum and what it is divided by, `rows` the loss of each row."
            )

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each row as float `(batch,)` and the labelled rows as bool `(batch,)`."""
        raise NotImplementedError

    def sums(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The weighted sum of the labelled rows' losses and the sum of their weights, two scalars."""
        values, labelled = self.rows(y_true, masking.floats(y_pred))
        return masking.masked_sums(values, labelled, sample_weight)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The mean loss over labelled rows, a scalar."""
        return masking.quotient(*self.sums(y_true, y_pred, sample_weight))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each row, zero where missing."""
        values, labelled = self.rows(y_true, masking.floats(y_pred))
        return ops.where(labelled, values, ops.zeros_like(values))


def logits_of(y_pred: Tensor) -> Tensor | None:
    """The logits of a softmax or sigmoid layer's output as floats, as far as they are known; else `None`."""
    logits = keras_compat.logits_of(y_pred)
    return None if logits is None else masking.floats(logits)


def safe_log(probability: Tensor) -> Tensor:
    """The logarithm of a probability that may be zero."""
    return ops.log(ops.maximum(probability, SMALLEST))


def focal_factor(target: Tensor, probability: Tensor, gamma: float) -> Tensor:
    """How much the cross-entropy of a probability counts: `|target - probability| ** gamma`, less where it is nearly right.

    For targets of 0 and 1 this is the factor of the focal loss (Lin et al. 2017, arXiv:1708.02002), for targets between
    them that of the quality focal loss (Li et al. 2020, arXiv:2006.04388).
    """
    gap = ops.abs(target - probability)
    return (gap if gamma >= 1 else ops.maximum(gap, 1e-7)) ** gamma  # the gradient of a root is infinite at 0
