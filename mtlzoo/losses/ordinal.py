"""Cross-entropy of the questions "is it above this level?"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.losses.base import MaskedLoss, Tensor, logits_of, safe_log


@keras.saving.register_keras_serializable("mtlzoo.losses")
class MaskedOrdinalCrossentropy(MaskedLoss):
    """The mean cross-entropy of `levels - 1` questions "is the level above k?", over labelled rows.

    With `F_k` the predicted probability of a level at most `k` and `T_k` the target's, a row costs the mean over `k` of
    `-T_k log F_k - (1 - T_k) log(1 - F_k)`. This is the loss of ordinal regression by extended binary classification
    (Niu et al. 2016; CORAL, Cao, Mirjalili and Raschka 2020). There the questions have an output each and may
    contradict one another; here they are sums of one softmax, so they cannot, and the output stays a distribution over
    the levels that anybody can read.

    Args:
        levels: The number of levels, at least 2.
        class_weight: Optional factor for the rows of each level, `levels` numbers; see
            :class:`MaskedCategoricalCrossentropy`.

    Targets are level ids `(batch,)` or probability rows `(batch, levels)`; predictions are probabilities
    `(batch, levels)`.

    Example:

    ```python
    loss = mtl.losses.MaskedOrdinalCrossentropy(levels=3)
    loss([0, -1], [[0.5, 0.5, 0.0], [0.1, 0.1, 0.8]])  # 0.347: one of two questions is even, the second row has no label
    ```
    """

    def __init__(
        self, levels: int, class_weight: Sequence[float] | None = None, name: str | None = None, **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.levels = levels
        self.class_weight = None if class_weight is None else [float(weight) for weight in class_weight]

    def rows(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The mean cross-entropy of each row's questions, in nats."""
        targets, labelled = masking.class_targets(y_true, self.levels)
        target_below = ops.cumsum(targets, axis=-1)[:, :-1]
        logits = logits_of(y_pred)
        logarithms = (safe_log(y_pred) if logits is None else ops.log_softmax(logits, axis=-1))[:, None, :]
        # Both tails are summed by themselves: one minus a sum near one would lose all digits of a small tail.
        at_most = ops.arange(self.levels)[None, None, :] <= ops.arange(self.levels - 1)[None, :, None]
        nothing = ops.full_like(logarithms, -float("inf"))
        below = ops.logsumexp(ops.where(at_most, logarithms, nothing), axis=-1)
        above = ops.logsumexp(ops.where(at_most, nothing, logarithms), axis=-1)
        values = -ops.mean(target_below * below + (1 - target_below) * above, axis=-1)
        if self.class_weight is not None:
            values = values * ops.sum(targets * masking.floats(self.class_weight), axis=-1)
        return values, labelled

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "levels": self.levels, "class_weight": self.class_weight}
