"""The rows that something is fitted on, as a model predicts them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from mtlzoo.errors import HeadError
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.heads import Head
from mtlzoo.heads.texts import shorten, value_text
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model


def predict_rows(
    model: MultiTaskModel, valid: Labelled | Predictions, batch_size: int = 32
) -> tuple[Predictions, dict[str, LabelledOutputs]]:
    """What a model says of labelled rows with the thresholds that it has now, and beside it their labels by head.

    Args:
        model: The model.
        valid: The rows; or the model's predictions for a table, in which case the network does not run.
        batch_size: Rows at a time.

    Raises:
        TypeError: If the model has no heads.
        TableError: If rows or labels cannot be read.
        ValueError: If predictions are of images alone.
    """
    check_model(model)
    if not isinstance(valid, Predictions):
        predictions = Predictions.from_model(model, valid, batch_size)
        return predictions, predictions.with_labels(predictions.labelled_rows(valid).for_heads(predictions.heads))
    known, rows = model.calibration, valid.labelled_rows(None)
    heads = known.decided(model.heads)
    predictions = Predictions(valid.outputs, heads, valid.geometry, valid.names, valid.table, known.decisions)
    return predictions, predictions.with_labels(rows.for_heads(heads))


def choose_heads(
    heads: Mapping[str, Head], fits: Callable[[Head], bool], names: Collection[str] | None, kind: str
) -> list[str]:
    """The heads that something is fitted for: those of a kind, or some of them.

    Args:
        heads: All heads.
        fits: Whether a head is of the kind.
        names: Those to take; `None` for all of the kind.
        kind: What heads of the kind have, for messages.

    Raises:
        HeadError: If there are none, or one that is named is not of the kind.
    """
    possible = [name for name, head in heads.items() if fits(head)]
    names = [names] if isinstance(names, str) else names
    for name in names or ():
        if name not in possible:
            raise HeadError(
                f"Expected `heads` to be some of those with {kind} ({shorten(possible) or 'there are none'}), "
                f"received: {value_text(name)}."
            )
    if not possible:
        raise HeadError(f"Expected a head with {kind}, received: {shorten(list(heads))}.")
    return possible if names is None else list(names)
