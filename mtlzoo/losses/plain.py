"""A loss of Keras', or a function, as a mean over labelled rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.errors import HeadError
from mtlzoo.losses.base import MaskedLoss, Tensor


class MaskedPlainLoss(MaskedLoss):
    """What a loss that knows nothing of missing labels says of the labelled ones.

    It sees each label by itself: a tag, a number, or a distribution over classes; so one that takes several tags or
    numbers at once, such as the Dice loss, has to be written as a :class:`MaskedLoss`.

    Args:
        loss: A `keras.losses.Loss`, or a function of targets and predictions that gives a loss for each row.
        read: Makes targets and a mask of labels, as :meth:`mtlzoo.heads.Head.read` does.
    """

    def __init__(
        self,
        loss: keras.losses.Loss | Callable[..., Any],
        read: masking.Reading,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.loss = loss
        self.read = read

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each row."""
        targets, predictions, labelled = masking.one_by_one(self.loss, self.read, y_true, y_pred)
        loss = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
        values = ops.convert_to_tensor(loss(targets, predictions))
        if len(values.shape) == 0:
            raise HeadError(
                f"Expected the loss {masking.name_of(self.loss)!r} to give one number a row, so that missing ones can be "
                "left out, received: one number for all."
            )
        values = ops.mean(ops.reshape(masking.floats(values), (ops.shape(predictions)[0], -1)), axis=-1)
        if len(labelled.shape) == 1:
            return values, labelled
        return masking.row_mean(ops.reshape(values, ops.shape(labelled)), labelled)
