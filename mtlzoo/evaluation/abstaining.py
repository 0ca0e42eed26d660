""" "Not sure": how probable an answer has to be to be given, and what that costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.errors import HeadError
from mtlzoo.evaluation.frames import can_abstain
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.evaluation.thresholds import FEWEST
from mtlzoo.evaluation.validation_rows import predict_rows
from mtlzoo.heads import conditions
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.decisions import NOT_SURE, Decision
from mtlzoo.heads.texts import shorten, value_text
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model


def abstain(
    model: MultiTaskModel,
    valid: Labelled | Predictions,
    *,
    accuracy: float | None = None,
    coverage: float | None = None,
    heads: Collection[str] | None = None,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Let heads with classes and tags answer "not sure" where their answer's probability is too low.

    Each head gets its own lowest probability, kept in `model.calibration`, which :func:`mtlzoo.predict` and the web page
    follow. It comes after :func:`mtlzoo.calibrate` and :func:`mtlzoo.decide`.

    Args:
        model: The model, whose `calibration` is changed.
        valid: Labelled rows that were not trained on; not those of the final report either. Or what the model predicts of
            them now, as :class:`mtlzoo.evaluation.Predictions`, so that the network runs once for several such calls.
        accuracy: How many of the answers that are given are to be right, in (0, 1]: as few as possible are "not sure".
        coverage: Or: how many rows are to get an answer, in (0, 1].
        heads: The heads; by default all with classes, levels and tags that have labels in `valid`.
        batch_size: Rows at a time.

    Returns:
        A row a head: `rows`, those of which it is known what is right; `accuracy_before`, of all of them; `confidence`, the
        lowest probability; `coverage`, how many of them get an answer; `accuracy` of these, and `low`, the lower end of its
        95 % interval (Wilson); and `note`. Where no probability is high enough, or rows are too few, the head always
        answers, and the note says so. Tags are right where all labelled ones are; "not applicable" is an answer like any
        other.

    Raises:
        HeadError: If there is no head with classes or tags, one of `heads` is none, or a class is called "not sure".
        TableError: If rows or labels cannot be read.
        ValueError: If not one of accuracy and coverage is given, or it is out of its range.

    Example:

    ```python
    print(mtl.abstain(model, valid, accuracy=0.95))
    ```
    """
    check_model(model)
    given = [(name, value) for name, value in (("accuracy", accuracy), ("coverage", coverage)) if value is not None]
    if len(given) != 1:
        raise ValueError(f"Expected one of accuracy and coverage, received: {len(given) or 'none'}.")
    for name, value in given:
        if not (isinstance(value, int | float) and 0 < value <= 1):
            raise ValueError(f"Expected `{name}` in (0, 1], received: {value!r}.")
    possible = [name for name, head in model.heads.items() if can_abstain(head)]
    heads = [heads] if isinstance(heads, str) else heads
    for name in possible if heads is None else heads:
        if name not in possible:
            raise HeadError(f"Expected `heads` to be some of {shorten(possible)}, received: {value_text(name)}.")
        if NOT_SURE in getattr(model.heads[name], "names", ()):
            raise HeadError(f"Expected no class {NOT_SURE!r} of head {name!r}, which is what is told otherwise.")
    if not possible:
        raise HeadError(f"Expected a head with classes or tags, received: {shorten(list(model.heads))}.")
    judged = judge_answers(*predict_rows(model, valid, batch_size))
    rows, found = {}, {}
    for name in possible if heads is None else heads:
        if name not in judged:
            continue
        confidence, rows[name] = _choose(*judged[name], accuracy, coverage)
        found[name] = replace(model.calibration.decisions.get(name, Decision()), confidence=confidence)
    model.calibration = model.calibration.with_decisions(found)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")


def coverage_curves(predictions: Predictions, table: Labelled | None = None) -> dict[str, pd.DataFrame]:
    """How right answers are if only the surest are given.

    Args:
        predictions: What a model says of some images.
        table: Their labels; by default those of the table that was predicted.

    Returns:
        For each head with classes or tags that has labels, a data frame from the surest answers to all of them:
        `confidence`, the lowest probability that is answered, `coverage`, the fraction of rows, and `accuracy` of these.

    Example:

    ```python
    from mtlzoo.evaluation import Predictions, coverage_curves

    curves = coverage_curves(Predictions.from_model(model, valid))
    curves["coat_length"].query("accuracy > 0.95")["coverage"].max()
    ```
    """
    curves = {}
    pairs = predictions.with_labels(predictions.labelled_rows(table).for_heads(predictions.heads))
    for name, (sure, right) in judge_answers(predictions, pairs).items():
        order = np.argsort(-sure, kind="stable")
        sure, kept = sure[order], np.arange(1, len(sure) + 1)
        curve = pd.DataFrame(
            {"confidence": sure, "coverage": kept / max(len(sure), 1), "accuracy": right[order].cumsum() / kept}
        )
        curves[name] = curve[np.append(sure[1:] < sure[:-1], True)[: len(sure)]].reset_index(drop=True)
    return curves


def judge_answers(
    predictions: Predictions, pairs: Mapping[str, LabelledOutputs]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By head the probability of each answer and whether it is right, of the rows of which that is known.

    That is, labelled ones, and those for which labels of the parents rule the head out: "not applicable" is right there.
    """
    heads = {name: pair.head for name, pair in pairs.items()}
    states = conditions.asked_by_labels(heads, {name: pair.targets for name, pair in pairs.items()})
    judged = {}
    for name, pair in pairs.items():
        if not can_abstain(pair.head):
            continue
        ruled_out, right = (
            states.get(name, np.full(len(predictions), conditions.YES)) == conditions.NO,
            pair.labelled.copy(),
        )
        if isinstance(pair.head, ClassesHead):
            right[pair.labelled] = pair.head.answers(pair.outputs[pair.labelled]) == pair.head.class_ids(pair.targets)
        else:  # tags: each that is labelled
            told = pair.head.details(pair.outputs)["class_ids"] == (pair.targets >= 0.5)
            right &= (told | ~(pair.targets >= 0)).all(axis=-1)
        right = np.where(predictions.asked(name), right, ruled_out)
        known = pair.labelled | ruled_out
        judged[name] = np.asarray(predictions.decoded[name]["probability"], "float64")[known], right[known]
    return judged


def _choose(
    sure: np.ndarray, right: np.ndarray, accuracy: float | None, coverage: float | None
) -> tuple[float | None, dict[str, Any]]:
    """The lowest probability that is answered, and the row that tells of it."""
    told: dict[str, Any] = {"rows": len(sure), "accuracy_before": float(right.mean()) if len(sure) else np.nan}
    if len(sure) < FEWEST:
        nothing = dict.fromkeys(("confidence", "coverage", "accuracy", "low"), np.nan)
        return None, {**told, **nothing, "note": f"{len(sure)} rows, expected {FEWEST}"}
    order = np.argsort(-sure, kind="stable")
    sure, right, kept = sure[order], right[order], np.arange(1, len(sure) + 1)
    possible = np.append(sure[1:] < sure[:-1], True) & (kept >= FEWEST)  # equal probabilities go together
    if accuracy is not None:
        possible &= right.cumsum() / kept >= accuracy - 1e-12
    else:
        possible &= kept >= (coverage or 0) * len(sure) - 1e-9
    note = ""
    if not possible.any():
        note = f"no probability makes {accuracy:g} of {FEWEST} or more answers right: always answers"
        count = len(sure)
    else:
        places = np.flatnonzero(possible)
        count = int(kept[places[-1] if accuracy is not None else places[0]])
    lowest = 0.0 if count == len(sure) else float((sure[count - 1] + sure[count]) / 2)
    from scipy import stats  # takes a second to load

    interval = stats.binomtest(int(right[:count].sum()), count).proportion_ci(method="wilson")
    told |= {"confidence": lowest, "coverage": count / len(sure), "accuracy": float(right[:count].mean())}
    return lowest or None, {**told, "low": float(interval.low), "note": note}
