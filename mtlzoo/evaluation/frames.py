"""Predictions as a person reads them: answers, how sure they are, and what else may be true."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtlzoo.evaluation.applicability import list_outputs
from mtlzoo.evaluation.unusual import unusual_column
from mtlzoo.heads import Head, MultiLabelHead
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.conditions import NOT_APPLICABLE
from mtlzoo.heads.conformal import Conformal, prediction_intervals, prediction_sets
from mtlzoo.heads.decisions import NOT_SURE
from mtlzoo.heads.numbers import NumbersHead
from mtlzoo.heads.tags import write_tags

if TYPE_CHECKING:
    from mtlzoo.evaluation.predictions import Predictions


def answer_frame(predictions: Predictions, probabilities: bool = False, abstain: float | None = None) -> pd.DataFrame:
    """The data frame that :func:`mtlzoo.predict` describes; arguments as those of :meth:`Predictions.to_frame`."""
    check_confidence(abstain)
    columns: dict[str, Any] = {} if predictions.names is None else {"image": list(predictions.names)}
    every = list_outputs(predictions.heads, predictions.outputs) if probabilities else {}
    for name, head in predictions.heads.items():
        decision, decoded = predictions.decisions.get(name), predictions.decoded[name]
        confidence = decision.confidence if abstain is None and decision is not None else abstain
        columns[name] = decoded["answer"]
        if confidence and can_abstain(head):
            columns[name] = np.where(decoded["probability"] < confidence, NOT_SURE, decoded["answer"].astype(object))
        if "probability" in decoded:
            columns[f"{name}_probability"] = decoded["probability"]
        if decision is not None and decision.conformal is not None:
            found = conformal_columns(head, predictions.outputs[name], decision.conformal, predictions.asked(name))
            columns |= {_beside(f"{name}_{kind}", predictions.heads): column for kind, column in found.items()}
        columns |= {f"{name}:{label}": column for label, column in every.get(name, {}).items()}
    if predictions.unusual is not None:
        columns[unusual_column(predictions.heads)] = predictions.unusual
    return pd.DataFrame(columns)


def _beside(column: str, heads: Collection[str]) -> str:
    """The name of a column beside those of heads, one of which may be called so."""
    while column in heads:
        column += "_"
    return column


def check_confidence(confidence: float | None) -> None:
    """Refuse what is no probability.

    Raises:
        ValueError: If it is neither `None` nor a number from 0 to 1.
    """
    number = isinstance(confidence, int | float | np.number)
    if confidence is not None and not (number and not isinstance(confidence, bool) and 0 <= confidence <= 1):
        raise ValueError(f"Expected `abstain` to be a probability from 0 to 1 or None, received: {confidence!r}.")


def can_abstain(head: Head) -> bool:
    """Whether a head's answers have one probability each, below which they may be "not sure"."""
    return isinstance(head, ClassesHead | MultiLabelHead)


def conformal_columns(head: Head, outputs: np.ndarray, conformal: Conformal, asked: np.ndarray) -> Mapping[str, Any]:
    """A head's sets as a column `set`, the likeliest class first and levels in their order, or its intervals as `low` and
    `high`; where the head is not asked, "not applicable" or `NaN`."""
    if isinstance(head, NumbersHead):
        low, high = (np.where(asked[:, None], side, np.nan) for side in prediction_intervals(head, outputs, conformal))
        if head.units == 1:
            return {"low": low[:, 0], "high": high[:, 0]}
        return {"low": pd.Series(low.tolist(), dtype=object), "high": pd.Series(high.tolist(), dtype=object)}
    assert isinstance(head, ClassesHead)
    likeliest = np.argsort(-head.probabilities(outputs), axis=1, kind="stable")
    order = np.broadcast_to(np.arange(len(head.names)), likeliest.shape) if head.ordered else likeliest
    told = []
    for chosen, ids, row_asked in zip(prediction_sets(head, outputs, conformal), order, asked):
        names = [head.names[index] for index in ids if chosen[index]]
        told.append(write_tags(names, head.names, None) if row_asked else NOT_APPLICABLE)
    return {"set": pd.Series(told, dtype=object)}
