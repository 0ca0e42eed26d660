"""Predictions of heads that are asked only where other heads have certain labels, see :mod:`mtlzoo.heads.conditions`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.heads import Head, conditions
from mtlzoo.heads.conditions import NOT_APPLICABLE


def decode_heads(
    heads: Mapping[str, Head], outputs: Mapping[str, np.ndarray], in_image_space: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """The columns of :meth:`Head.decode` by head, of which none contradicts that of a parent.

    Args:
        heads: The heads by name.
        outputs: The network's outputs by head.
        in_image_space: The same, places in the coordinates of the images.

    Returns:
        For each head `"answer"`, and for heads with classes its `"probability"`. Where a head is not asked the answer is
        `"not applicable"`, or `NaN` or `None` where answers are numbers and places. The probability is that of the answer
        among all of them: that of the class times that of the head being asked, or that of the head not being asked.
    """
    decoded = {name: head.decode(in_image_space[name]) for name, head in heads.items()}
    asked, probability = conditions.asked_by_predictions(heads, outputs), conditions.probability_asked(heads, outputs)
    for name, rows in asked.items():
        columns = decoded[name]
        decoded[name] = {**columns, "answer": _without(columns["answer"], ~rows, named=not heads[name].spatial)}
        if "probability" in columns:
            decoded[name]["probability"] = _probabilities(columns["probability"], rows, probability[name])
    return decoded


def _without(answers: Any, rows: np.ndarray, named: bool) -> Any:
    """The answers, with a mark in these rows: `NaN` among numbers, a text among texts and lists of them, else `None`."""
    answers = np.asarray(answers, dtype=None if isinstance(answers, np.ndarray) else object)
    if answers.dtype.kind in "iuf":
        answers = answers.astype("float64" if answers.dtype.kind in "iu" else answers.dtype)
        answers[rows] = np.nan
        return answers
    changed = answers.astype(object)
    for row in np.flatnonzero(rows):
        changed[row] = NOT_APPLICABLE if named else None
    return changed


def _probabilities(given: np.ndarray, rows: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Those of the answers; where an image has several answers, a list of one for each, none where the head is not asked."""
    if given.dtype != object:
        return np.where(rows, given * asked, 1 - asked).astype(given.dtype)
    told = given.copy()
    for row, each in enumerate(given):
        told[row] = type(each)(np.asarray(each, "float64") * asked[row]) if rows[row] else type(each)()
    return told


def list_outputs(heads: Mapping[str, Head], outputs: Mapping[str, np.ndarray]) -> dict[str, dict[Any, np.ndarray]]:
    """All outputs as columns.

    Args:
        heads: The heads by name.
        outputs: The network's outputs by head.

    Returns:
        By head, arrays `(rows,)` by the name of the class, or by the number of the output. Probabilities of a head that is
        not always asked are those of being asked and of the class, and one column more says that it is not asked.
    """
    asked, listed = conditions.probability_asked(heads, outputs), {}
    for name, head in heads.items():
        flat = outputs[name].reshape(len(outputs[name]), math.prod(outputs[name].shape[1:]))
        if name in asked and "probabilities" in head.details(outputs[name][:1]):
            flat = flat * asked[name][:, None]
        labels = getattr(head, "names", range(flat.shape[1]))[-flat.shape[1] :]
        listed[name] = dict(zip(labels, flat.T))
        if name in asked:
            listed[name][NOT_APPLICABLE] = 1 - asked[name]
    return listed


def applicability_metrics(pairs: Mapping[str, LabelledOutputs]) -> dict[str, dict[str, float]]:
    """How well the network tells where a head is not asked.

    Args:
        pairs: Outputs and labels by the name of the head.

    Returns:
        For each head with conditions `not_applicable_f1`, the F1 of "not applicable" over the rows of which the parents'
        labels tell whether the head is asked; `NaN` if there are none, or none that is or is predicted not to be.
    """
    metrics = {}
    for name, (both, either) in applicability_counts(pairs).items():
        total = either.sum()
        metrics[name] = {"not_applicable_f1": float(2 * both.sum() / total) if total else float("nan")}
    return metrics


def applicability_counts(pairs: Mapping[str, LabelledOutputs]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What the F1 of "not applicable" is made of, row by row.

    Args:
        pairs: Outputs and labels by the name of the head.

    Returns:
        For each head with conditions two arrays `(rows,)`: 1 where it is not asked and predicted not to be, and how many of
        the two are so; both 0 where the parents' labels do not tell. The F1 is twice the first sum over the second.
    """
    heads = {name: pair.head for name, pair in pairs.items()}
    states = conditions.asked_by_labels(heads, {name: pair.targets for name, pair in pairs.items()})
    asked = conditions.asked_by_predictions(heads, {name: pair.outputs for name, pair in pairs.items()})
    counts = {}
    for name, state in states.items():
        truth, told, known = state == conditions.NO, ~asked[name], state != conditions.UNKNOWN
        counts[name] = (known & truth & told).astype("int64"), (known & truth).astype("int64") + (known & told)
    return counts
