"""Detect batch normalisation whose moving statistics lag behind the weights."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.models import MultiTaskModel
from mtlzoo.models.batch_norm import normalization_layers
from mtlzoo.models.objectives import head_losses

if TYPE_CHECKING:
    import tensorflow as tf

# A loss in inference mode is far above one in training mode beyond twice that and a little more, for losses near zero.
FACTOR, MARGIN = 2.0, 0.3
BATCHES = 4


def is_far_above(loss: float, other: float) -> bool:
    """Whether a loss is so far above another that chance and overfitting are no explanation for the same rows."""
    return loss > FACTOR * other + MARGIN


class StatisticsLag(keras.callbacks.Callback):
    """Warns where validation loss is far above training loss because moving statistics are not those of the weights.

    After an epoch whose validation loss is far above its training loss, some validation rows are evaluated twice, with the
    moving statistics and with those of their own batch. If the first loss is far above the second, then it is not the
    rows, and no overfitting either. The model stays as it is, to the last bit.

    Args:
        rows: Validation batches of images and labels.
    """

    def __init__(self, rows: tf.data.Dataset):
        super().__init__()
        self.rows = rows
        self.warned = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, and warn once."""
        loss, validation = ((logs or {}).get(name, float("nan")) for name in ("loss", "val_loss"))
        if self.warned or not is_far_above(validation, loss) or not _learns_statistics(self.model):
            return
        moving, own = compare_modes(self.model, self.rows)
        if is_far_above(moving, own):
            self.warned = True
            warnings.warn(
                f"Validation loss {validation:.3g} is far above training loss {loss:.3g}, because the moving statistics of "
                f"batch normalisation lag behind the weights: the same validation rows have a loss of {own:.3g} with the "
                f"statistics of their own batch, and {moving:.3g} with the moving ones. Give these layers a lower momentum "
                "before training (such as `layer.momentum = 0.9`), or freeze them.",
                stacklevel=2,
            )


def compare_modes(model: MultiTaskModel, rows: tf.data.Dataset, batches: int = BATCHES) -> tuple[float, float]:
    """The loss of the same rows with moving statistics and with those of each batch.

    Args:
        model: The model, which stays as it is.
        rows: Batches of images and labels.
        batches: How many of them to use, at most.

    Returns:
        The loss in inference mode and the loss in training mode, the weighted sums over heads, means over batches.
    """
    losses = head_losses(model.heads, model.label_smoothing)
    variables = model.non_trainable_variables
    before = [variable.numpy() for variable in variables]
    totals, count = {False: 0.0, True: 0.0}, 0
    for images, labels, *_ in itertools.islice(rows, batches):
        count += 1
        for training in totals:
            outputs = model(images, training=training)
            totals[training] += sum(
                head.loss_weight * float(losses[name](labels[name], outputs[name]))
                for name, head in model.heads.items()
                if name in labels
            )
    for variable, value in zip(variables, before):
        variable.assign(value)
    return totals[False] / count, totals[True] / count


def _learns_statistics(model: MultiTaskModel) -> bool:
    return any(layer.trainable for layer in normalization_layers(model))
