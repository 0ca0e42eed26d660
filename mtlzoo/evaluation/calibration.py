"""Probabilities that are worth what they say: of all predictions with 80 %, four in five are right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.outdating import outdate_by_temperatures
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.heads import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.decisions import at_temperature
from mtlzoo.heads.detection import DetectionHead
from mtlzoo.heads.detections import find_hits
from mtlzoo.heads.temperature import fit_temperature, has_temperature
from mtlzoo.models import MultiTaskModel

BINS = 15


def calibrate(model: MultiTaskModel, valid: Labelled, batch_size: int = 32) -> pd.DataFrame:
    """Divide the logits of each head by the temperature at which validation labels are likeliest (Guo et al. 2017).

    The division is in the last layer's weights, so that the model, every file of it and the web page say the same.
    Predictions stay what they are: thresholds of heads and of :func:`mtlzoo.decide` follow, those of metrics that the model
    was compiled with when it is compiled again; levels are predicted by their median, which may move by one. The score of
    an object becomes the probability that there is one, with an IoU of at least one half. Heads for numbers and places
    have no probabilities that could be calibrated so.

    Args:
        model: The model, changed in place. Training goes on from the changed weights.
        valid: Labelled rows that were not trained on; not those of the final report either.
        batch_size: Rows at a time.

    Returns:
        A row a head: `rows`, the number of labelled ones; `temperature`, above 1 where the network was too sure; and of
        these rows, before and after, `ece`, the expected calibration error (15 bins), and `brier`, the mean squared distance
        of probabilities from labels, summed over classes. What was fitted on few rows looks better on them than it is:
        :func:`calibration_errors` says it of others.

    Raises:
        TypeError: If the model has no heads.
        TableError: If rows or labels cannot be read.

    Example:

    ```python
    print(mtl.calibrate(model, valid))
    ```
    """
    predictions = Predictions.from_model(model, valid, batch_size)
    pairs = _pairs(predictions, valid)
    rows = {}
    for name, pair in pairs.items():
        temperature = fit_temperature(pair.head, pair.outputs, pair.targets)
        after = pair.head.at_temperature(pair.outputs, temperature)
        before = _errors(pair.head, pair.outputs, pair.targets)
        then = _errors(at_temperature(pair.head, temperature), after, pair.targets)
        rows[name] = {
            "rows": int(pair.labelled.sum()),
            "temperature": temperature,
            "ece_before": before[0],
            "ece": then[0],
            "brier_before": before[1],
            "brier": then[1],
        }
    outdate_by_temperatures(model, {name: row["temperature"] for name, row in rows.items()})
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")


def calibration_errors(predictions: Predictions, table: Labelled | None = None) -> pd.DataFrame:
    """How far probabilities are from how often they are right.

    Args:
        predictions: What a model says of some images.
        table: Their labels; by default those of the table that was predicted.

    Returns:
        A row for each head with probabilities: `rows`, `ece` and `brier`, as :func:`calibrate` has them.

    Example:

    ```python
    from mtlzoo.evaluation import Predictions, calibration_errors

    print(calibration_errors(Predictions.from_model(model, valid)))
    ```
    """
    rows = {}
    for name, pair in _pairs(predictions, table).items():
        ece, brier = _errors(pair.head, pair.outputs, pair.targets)
        rows[name] = {"rows": int(pair.labelled.sum()), "ece": ece, "brier": brier}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")


def reliability(predictions: Predictions, table: Labelled | None = None, bins: int = 10) -> pd.DataFrame:
    """How often predictions are right, by the probability that they are given with.

    Args:
        predictions: What a model says of some images.
        table: Their labels; by default those of the table that was predicted.
        bins: How many bins of equal width.

    Returns:
        A row for each head with probabilities and each bin with predictions: `head`, `bin` from 0, `rows`, and of these
        the mean `probability` and how many of them are `right`, from 0 to 1. Each tag counts by itself, with the
        probability of yes.

    Raises:
        ValueError: If there are no labels.

    Example:

    ```python
    from mtlzoo.evaluation import Predictions, reliability

    print(reliability(Predictions.from_model(model, valid)))
    ```
    """
    parts = []
    for name, pair in _pairs(predictions, table).items():
        sure, right = certainties(pair.head, pair.outputs, pair.targets)
        frame = pd.DataFrame({"bin": _bins(sure, bins), "probability": sure, "right": right.astype(float)})
        found = frame.groupby("bin").agg(
            rows=("right", "size"), probability=("probability", "mean"), right=("right", "mean")
        )
        parts.append(found.reset_index().assign(head=name))
    columns = ["head", "bin", "rows", "probability", "right"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def expected_calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """The mean distance of probabilities from how often they are right, over bins of equal width, weighted by their rows.

    Args:
        sure: Probabilities, `(predictions,)`.
        right: Whether each prediction is right, bool `(predictions,)`.
        bins: How many bins.

    Returns:
        From 0 to 1; `NaN` without predictions.

    Example:

    ```python
    import numpy as np
    from mtlzoo.evaluation.calibration import expected_calibration_error

    expected_calibration_error(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False]))  # 0.15
    ```
    """
    if not len(sure):
        return float("nan")
    gaps = np.bincount(_bins(sure, bins), weights=sure - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))


def _pairs(predictions: Predictions, table: Labelled | None) -> dict[str, LabelledOutputs]:
    """Outputs and labels of the heads with probabilities.

    Raises:
        ValueError: If there are no labels.
    """
    pairs = predictions.with_labels(predictions.labelled_rows(table).for_heads(predictions.heads))
    return {name: pair for name, pair in pairs.items() if has_temperature(pair.head)}


def _errors(head: Head, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """The expected calibration error and the Brier score."""
    sure, right = certainties(head, outputs, targets)
    if isinstance(head, ClassesHead):
        known = head.labelled(targets)
        probabilities, ids = head.probabilities(outputs[known]), head.class_ids(targets[known])
        brier = np.square(probabilities - np.eye(probabilities.shape[1])[ids]).sum(axis=-1)
    else:
        brier = np.square(sure - right)
    return expected_calibration_error(sure, right), float(brier.mean()) if len(brier) else float("nan")


def certainties(head: Head, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each prediction that has a label, and whether it is right.

    Of tags it is that of each yes; of objects that of each one that is predicted.

    Args:
        head: A head with probabilities.
        outputs: What it predicts, rows on the first axis.
        targets: The labels of these rows, some of them missing.

    Returns:
        Float and bool `(predictions,)`.
    """
    known = head.labelled(targets)
    outputs, targets = outputs[known], targets[known]
    if isinstance(head, ClassesHead):
        probabilities = head.probabilities(outputs)
        sure = probabilities.max(axis=-1) if len(probabilities) else np.zeros(0)
        return sure, probabilities.argmax(axis=-1) == head.class_ids(targets)
    if isinstance(head, DetectionHead):
        return find_hits(targets, outputs, head.score_threshold, head.nms_iou_threshold)
    return outputs[targets >= 0], targets[targets >= 0] >= 0.5


def _bins(sure: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((sure * bins).astype(int), bins - 1)
