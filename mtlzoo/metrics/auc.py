"""The area under the ROC curve."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from mtlzoo import masking
from mtlzoo.metrics.balanced import mean_where, row_weights
from mtlzoo.metrics.base import Tensor

# Logits beyond which a probability is 0 or 1 in float32, and bins of 1/256 logit between them.
LARGEST_LOGIT, BINS = 16.0, 8192


@keras.saving.register_keras_serializable("mtlzoo.metrics")
class MaskedAUC(keras.metrics.Metric):
    """The area under the ROC curve of binary labels: how often a positive row has a higher probability than a negative one.

    Rows are counted in 8,192 bins of the logit, `log(p / (1 - p))`, from -16 to 16. A positive and a negative row in one
    bin count one half, as a tie does, so the result is wrong by at most half of the fraction of pairs that share a bin: over
    a thousand random rows at most 0.0005, and 0.00005 on average. Keras' `AUC` has 200 thresholds that are evenly spaced
    from 0 to 1, of which hardly any is of use where positives are rare and probabilities small.

    Args:
        tags: The number of labels a row, of whose areas the result is the mean; a tag whose labelled rows are all of one
            kind has none and is left out. Targets are numbers in `[0, 1]` of shape `(batch, tags)` (or `(batch,)` for one
            tag), missing where negative or `NaN`; predictions are probabilities `(batch, tags)`.

    The result lies in `[0, 1]`, one half being chance; it is `NaN` while no tag has labelled rows of both kinds.

    Example:

    ```python
    metric = mtl.metrics.MaskedAUC()
    metric.update_state([0, 0, 0, 1, -1], [[0.1], [0.2], [0.4], [0.3], [0.9]])
    metric.result()  # 0.667: the positive row is above two of three negative ones
    ```
    """

    mode = "max"

    def __init__(self, tags: int = 1, name: str = "auc", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.tags = tags
        self.counts = self.add_weight(shape=(tags * BINS, 2), name="counts", initializer="zeros")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Count a batch."""
        targets, labelled = masking.tag_targets(y_true, self.tags)
        weights = row_weights(labelled, sample_weight, self.dtype)
        positive = ops.cast(targets >= 0.5, self.dtype)
        kinds = ops.stack([weights * (1 - positive), weights * positive], axis=-1)
        probabilities = ops.reshape(masking.floats(y_pred), (-1, self.tags))
        tiny = 1e-30  # such a logit is beyond the last bin
        logits = ops.log(ops.maximum(probabilities, tiny)) - ops.log(ops.maximum(1 - probabilities, tiny))
        scaled = (ops.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT) / LARGEST_LOGIT + 1) / 2
        bins = ops.clip(ops.cast(scaled * BINS, "int32"), 0, BINS - 1)
        bins = bins + BINS * ops.arange(self.tags, dtype="int32")[None]
        counts = ops.segment_sum(ops.reshape(kinds, (-1, 2)), ops.reshape(bins, (-1,)), self.tags * BINS)
        self.counts.assign_add(counts)

    def result(self) -> Tensor:
        """The mean over tags, a float scalar, or `NaN`."""
        counts = ops.reshape(ops.convert_to_tensor(self.counts), (self.tags, BINS, 2))
        totals = ops.sum(counts, axis=1)
        negatives, positives = (masking.quotient(counts[..., kind], totals[:, kind, None]) for kind in (0, 1))
        below = ops.cumsum(negatives, axis=-1) - negatives / 2
        areas = ops.sum(positives * below, axis=-1)
        return mean_where(areas, ops.cast(ops.all(totals > 0, axis=-1), areas.dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "tags": self.tags}
