"""The part of a step's losses that a teacher's labels make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras import ops

from mtlzoo import masking
from mtlzoo.heads import Head
from mtlzoo.heads.taught import Taught
from mtlzoo.models import replicas
from mtlzoo.models.objectives import head_losses

Tensor = Any


def taught_losses(
    heads: Mapping[str, Head], taught: Taught, y_pred: Mapping[str, Tensor], sample_weight: Mapping[str, Tensor]
) -> Tensor:
    """Each head's loss of its teacher's labels: the weighted sum of the rows' losses over the number of all rows.

    Not over the sum of weights: a teacher that is unsure of most rows is to say little, not the little that it says loudly.

    Args:
        heads: The heads by name.
        taught: The teacher's labels, which are not smoothed: they are soft already.
        y_pred: The outputs by the name of the head.
        sample_weight: Row weights by the name of the head; a row of weight 0 takes no part.

    Returns:
        Float `(heads,)`, 0 for heads without a teacher. The same on all replicas, with gradients of the replica's own rows.
    """
    losses, sums = head_losses({name: heads[name] for name in taught.labels}), []
    for name in heads:
        if name not in losses:
            sums.append((0.0 * ops.sum(masking.floats(y_pred[name])), ops.ones((), "float32")))
            continue
        weights = ops.reshape(ops.cast(taught.weights[name], "float32"), (-1,))
        rows = ops.ones_like(weights)
        if name in sample_weight:
            rows = ops.reshape(ops.cast(sample_weight[name], "float32"), (-1,))
        total, _ = losses[name].sums(taught.labels[name], y_pred[name], weights * rows)
        sums.append((total, ops.sum(rows)))
    totals, counts = (ops.stack([ops.cast(value, "float32") for value in values]) for values in zip(*sums))
    return replicas.shared(masking.quotient(totals, replicas.total(counts)))
