"""From which probability on the answer is yes, for each tag and each pair of labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.outdating import outdate
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.evaluation.thresholds import COSTS, Rule, by_costs, by_f1, by_precision, by_recall, count
from mtlzoo.evaluation.validation_rows import choose_heads, predict_rows
from mtlzoo.heads.decisions import Decision
from mtlzoo.heads.texts import value_text
from mtlzoo.heads.thresholds import ThresholdHead
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model

METRICS = ("precision", "recall", "f1")


def decide(
    model: MultiTaskModel,
    valid: Labelled | Predictions,
    by: str | None = None,
    *,
    recall: float | None = None,
    precision: float | None = None,
    costs: Mapping[str, float] | None = None,
    heads: Collection[str] | None = None,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Choose the probability from which on the answer is yes, for each tag of a `MultiLabelHead` and each `BinaryHead`.

    The thresholds are kept in `model.calibration` and travel in all files: predictions, reports and the web page follow
    them. Calibrate first (:func:`mtlzoo.calibrate`), where probabilities are to be worth what they say; if it is done
    afterwards, the thresholds follow and all answers stay. Head by head in another way: call it several times, with `heads`.

    Args:
        model: The model, whose `calibration` is changed.
        valid: Labelled rows that were not trained on; not those of the final report either. Or what the model predicts of
            them now, as :class:`mtlzoo.evaluation.Predictions`, so that the network runs once for several such calls.
        by: `"f1"`, the highest F1, which is the default.
        recall: Or: the highest precision at which so many of the rows that are yes are found, in (0, 1).
        precision: Or: the highest recall at which so many of the rows that are answered with yes are, in (0, 1).
        costs: Or: the lowest cost, of `{"miss": 10, "false alarm": 1}`.
        heads: The heads to choose for; by default all of these kinds with labels in `valid`.
        batch_size: Rows at a time.

    Returns:
        A row for each `(head, answer)`, the answer being the tag, or the second of two labels: `rows`, the labelled ones;
        `positives`, those of which are yes; `threshold_before` and `threshold`; `precision`, `recall` and `f1`, before and
        after, with costs `cost` too, that of a row; and `note`, where something is to be known. Where rows are too few, or
        none is as good as wanted, the threshold stays, and the note says so. What is chosen on rows looks better on them
        than it is: `mtl.evaluate` says it of others.

    Raises:
        HeadError: If there is no head of these kinds, or one of `heads` is none.
        TableError: If rows or labels cannot be read.
        ValueError: If more than one way of choosing is given, or none that there is.

    Example:

    ```python
    print(mtl.decide(model, valid, costs={"miss": 10, "false alarm": 1}))
    ```
    """
    check_model(model)
    rule, costs = _rule(by, recall, precision, costs), _check_costs(costs)
    chosen = choose_heads(model.heads, lambda head: isinstance(head, ThresholdHead), heads, "tags or two labels")
    predictions, pairs = predict_rows(model, valid, batch_size)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    found: dict[str, dict[str, float]] = {}
    for name in chosen:
        if name in pairs:
            for answer, row in _choose(pairs[name], rule, costs).items():
                rows[name, answer] = row
                found.setdefault(name, {})[answer] = row["threshold"]
    changed = {
        name: Decision(thresholds={**model.calibration.decisions.get(name, Decision()).thresholds, **thresholds})
        for name, thresholds in found.items()
        if thresholds != predictions.heads[name].thresholds  # type: ignore[attr-defined]
    }
    model.calibration = outdate(model, set(changed)).with_decisions(changed)
    frame = pd.DataFrame(rows.values(), index=pd.MultiIndex.from_tuples(rows, names=["head", "answer"]))
    return frame


def _rule(by: str | None, recall: float | None, precision: float | None, costs: Mapping[str, float] | None) -> Rule:
    """The way of choosing.

    Raises:
        ValueError: If it is not one way, or a wrong one.
    """
    given = {"by": by, "recall": recall, "precision": precision, "costs": costs}
    ways = [name for name, value in given.items() if value is not None]
    if len(ways) > 1:
        raise ValueError(f"Expected one of by, recall, precision and costs, received: {' and '.join(ways)}.")
    for name, value in (("recall", recall), ("precision", precision)):
        if value is not None and not (isinstance(value, int | float) and 0 < value < 1):
            raise ValueError(f"Expected `{name}` in (0, 1), received: {value!r}.")
    if recall is not None:
        return by_recall(recall)
    if precision is not None:
        return by_precision(precision)
    if costs is not None:
        return by_costs(_check_costs(costs) or {})
    if by not in (None, "f1"):
        raise ValueError(f'Expected `by` to be "f1", or recall=, precision= or costs=, received: {by!r}.')
    return by_f1


def _check_costs(costs: Mapping[str, float] | None) -> Mapping[str, float] | None:
    if costs is None:
        return None
    numbers = isinstance(costs, Mapping) and all(
        isinstance(cost, int | float) and 0 < cost < np.inf for cost in costs.values()
    )
    if not numbers or set(costs) != set(COSTS):
        raise ValueError(
            f'Expected `costs` above 0 such as {{"miss": 10, "false alarm": 1}}, received: {value_text(costs)}.'
        )
    return costs


def _choose(pair: LabelledOutputs, rule: Rule, costs: Mapping[str, float] | None) -> dict[str, dict[str, Any]]:
    """What is chosen for each question of a head, by its name."""
    head = pair.head
    assert isinstance(head, ThresholdHead)
    targets, outputs = pair.targets.reshape(len(pair.outputs), -1), pair.outputs.reshape(len(pair.outputs), -1)
    rows = {}
    for column, (name, present) in enumerate(head.thresholds.items()):
        known = targets[:, column] >= 0
        truth, probabilities = targets[known, column] >= 0.5, outputs[known, column]
        choice = rule(probabilities, truth, present)
        threshold = present if choice.threshold is None else choice.threshold
        counts = count(probabilities, truth, np.array([present, threshold]))
        row: dict[str, Any] = {"rows": len(truth), "positives": counts.positives}
        row |= {"threshold_before": present, "threshold": threshold}
        for metric in METRICS:
            row[f"{metric}_before"], row[metric] = getattr(counts, metric).tolist()
        if costs is not None:
            row["cost_before"], row["cost"] = counts.cost(costs).tolist()
        rows[name] = {**row, "note": choice.note}
    return rows
