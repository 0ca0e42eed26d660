"""The loss of mixed rows: that of each of the two labels, with its weight."""

from __future__ import annotations

from typing import Any

from keras import ops

from mtlzoo.heads.mixed import Partners
from mtlzoo.losses import MaskedLoss

Tensor = Any


def mixed_sums(
    loss: MaskedLoss, targets: tuple[Tensor, Tensor], partners: Partners, y_pred: Tensor, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The weighted sum of the losses of own and second labels, each over what is labelled, and the sum of their weights.

    For classes this is the loss of soft labels; squared errors pull to the mean of both numbers. A label that is missing
    takes its weight with it.

    Args:
        loss: The head's loss.
        targets: The head's labels of the rows, and of the second images.
        partners: The weights of both.
        y_pred: The head's outputs.
        sample_weight: Row weights, `(rows,)` or `(rows, 1)`. That of the second images' labels is theirs, and comes in
            `partners`; but a row of weight 0 takes no part.
    """
    own, other = (ops.cast(weight, "float32") for weight in (partners.own, partners.other))
    if sample_weight is not None:
        weight = ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        own, other = own * weight, ops.where(weight == 0, ops.zeros_like(other), other)
    parts = [loss.sums(labels, y_pred, weights) for labels, weights in zip(targets, (own, other))]
    (total, count), (other_total, other_count) = parts
    return total + other_total, count + other_count
