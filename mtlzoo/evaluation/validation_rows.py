"""The rows that something is fitted on, as a model predicts them."""

from __future__ import annotations

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.predictions import Labelled, Predictions
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
