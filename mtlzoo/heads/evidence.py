"""What a head's prediction rests on: the one number of each row whose gradients explain it."""

from __future__ import annotations

from typing import Any

from mtlzoo.heads.parts import losses, ops

Tensor = Any


class GivesEvidence:
    """A head that says which number explains its prediction, see :func:`mtlzoo.evaluation.gradcam`."""

    def evidence(self, outputs: Tensor) -> Tensor:
        """How much speaks for the prediction of each row; with `keras.ops` alone, so that any backend can differentiate it.

        Args:
            outputs: The head's outputs, a tensor with the rows on the first axis.

        Returns:
            `(batch,)`, higher the surer the prediction; for predictions that are numbers, higher the larger they are. The
            base class knows no better than the sum of all outputs.
        """
        return ops.sum(_rows(outputs), axis=-1)


def class_scores(probabilities: Tensor) -> Tensor:
    """The logits of a softmax, less their mean over classes, `(batch, classes)`.

    Unlike the logarithm of a probability, their gradients do not fade where the network is sure.
    """
    logits = losses.base.logits_of(probabilities)
    scores = losses.base.safe_log(probabilities) if logits is None else logits
    return scores - ops.mean(scores, axis=-1, keepdims=True)


def tag_scores(probabilities: Tensor) -> Tensor:
    """The logits of a sigmoid, of the same shape."""
    logits = losses.base.logits_of(probabilities)
    return losses.base.safe_log(probabilities) - losses.base.safe_log(1 - probabilities) if logits is None else logits


def moved(places: Tensor, start: Any) -> Tensor:
    """How far places have moved from where an untrained head has them: half of the squared distance, `(batch,)`.

    The sum of coordinates would be explained by whatever pulls to the lower right.

    Args:
        places: `(batch, ...)`.
        start: Where they begin, a number or one for each place.
    """
    return ops.sum(ops.square(_rows(places) - start), axis=-1) / 2


def _rows(values: Tensor) -> Tensor:
    return ops.reshape(values, (ops.shape(values)[0], -1))
