"""Sets of classes and intervals of numbers that hold the truth as often as is stated, fitted and measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.evaluation.validation_rows import choose_heads, predict_rows
from mtlzoo.heads import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.conformal import Conformal, fit_conformal, prediction_intervals, prediction_sets, scores_of
from mtlzoo.heads.decisions import Decision
from mtlzoo.heads.numbers import NumbersHead
from mtlzoo.heads.texts import shorten
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model

WITHIN = 0.95  # how often the coverage of other rows lies within the interval that is told


def conformal(
    model: MultiTaskModel,
    valid: Labelled | Predictions,
    level: float = 0.9,
    by_class: bool = False,
    *,
    score: str | None = None,
    heads: Collection[str] | None = None,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Let predictions come with a set of classes, or an interval of numbers, that holds the truth as often as is stated.

    It holds on average over rows that are drawn as those of `valid` were, and for no others: see the page on decisions. The
    sets are kept in `model.calibration` and travel in all files; :func:`mtlzoo.predict` and the web page show them. It
    comes last, after :func:`mtlzoo.calibrate` and :func:`mtlzoo.decide`.

    Args:
        model: The model, whose `calibration` is changed.
        valid: Labelled rows that were not trained on; not those of the final report either. Or what the model predicts of
            them now, as :class:`mtlzoo.evaluation.Predictions`, so that the network runs once for several such calls.
        level: How often sets and intervals are to hold the truth, in (0, 1).
        by_class: Whether that is to hold for the rows of each class by themselves, rather than for all together (Mondrian),
            for heads with classes. It takes `level / (1 - level)` rows of a class; with fewer it is in every set.
        score: For classes `"lac"`, the smallest sets, or `"aps"`, whose sets are larger where rows are harder; for numbers
            `"residual"`, intervals of one width, or `"scaled residual"`, wider where a head with bins is in doubt. By
            default `"lac"` and, where there is one, `"scaled residual"`.
        heads: The heads; by default all with classes, levels and numbers that have labels in `valid`, and with `score`
            those that have it. Tags, places and objects have none.
        batch_size: Rows at a time.

    Returns:
        A row a head: `rows`, the labelled ones for which it is asked; `level`; `score`; `quantile`, the largest score that
        belongs, the largest of all with `by_class`; `size`, the mean number of classes in the sets of these rows, or the
        mean width of their intervals; and `note`, where something is to be known.

    Raises:
        HeadError: If there is no head with classes, levels or numbers, or one of `heads` is none.
        TableError: If rows or labels cannot be read.
        ValueError: If the level is not in (0, 1), or no head has such a score.

    Example:

    ```python
    print(mtl.conformal(model, valid, level=0.9))
    mtl.predict(model, "coat.jpg")["coat_length_set"]
    ```
    """
    check_model(model)
    if not (isinstance(level, int | float) and 0 < level < 1):
        raise ValueError(f"Expected `level` in (0, 1), received: {level!r}.")
    chosen = _chosen(model.heads, heads, score)
    predictions, pairs = predict_rows(model, valid, batch_size)
    rows, found = {}, {}
    for name in chosen:
        if name not in pairs:
            continue
        pair, known = pairs[name], pairs[name].labelled & predictions.asked(name)
        used = score or scores_of(pair.head)[0]
        fitted = fit_conformal(pair.head, pair.outputs[known], pair.targets[known], level, used, by_class)
        told = {"rows": int(known.sum()), "level": level, "score": used, "quantile": max(fitted.quantiles)}
        if not known.any():
            rows[name] = {**told, "size": np.nan, "note": "no labelled rows: no sets"}
            continue
        size = _sizes(pair.head, pair.outputs[known], fitted).mean()
        rows[name] = {**told, "size": float(size), "note": _note(pair.head, fitted)}
        found[name] = replace(model.calibration.decisions.get(name, Decision()), conformal=fitted)
    model.calibration = model.calibration.with_decisions(found)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")


def conformal_coverage(predictions: Predictions, table: Labelled | None = None) -> pd.DataFrame:
    """How often sets and intervals hold the truth, of rows that nothing was fitted on.

    Args:
        predictions: What a model says of some images, after :func:`conformal`.
        table: Their labels; by default those of the table that was predicted.

    Returns:
        A row for each head with sets or intervals: `rows`, the labelled ones for which the head is asked; `level`;
        `coverage`, of sets as they are shown, with the prediction in each; `low` and `high`, between which the coverage of
        the sets without that lies in 95 of 100 cases if rows are drawn alike, given how many rows there are and were
        (beta-binomial; `NaN` for sets by class and several numbers); and `size`, the mean number of classes, or width.

    Example:

    ```python
    from mtlzoo.evaluation import Predictions, conformal_coverage

    mtl.conformal(model, valid)
    print(conformal_coverage(Predictions.from_model(model, test)))
    ```
    """
    pairs = predictions.with_labels(predictions.labelled_rows(table).for_heads(predictions.heads))
    rows = {}
    for name, pair in pairs.items():
        fitted = predictions.decisions.get(name, Decision()).conformal
        if fitted is None:
            continue
        known = pair.labelled & predictions.asked(name)
        held = covered(pair, known, fitted)
        low, high = coverage_interval(fitted, len(held))
        rows[name] = {
            **{"rows": len(held), "level": fitted.level, "coverage": float(held.mean()) if len(held) else np.nan},
            **{"low": low, "high": high},
            "size": float(_sizes(pair.head, pair.outputs[known], fitted).mean()) if known.any() else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")


def covered(pair: LabelledOutputs, rows: np.ndarray, fitted: Conformal, with_answer: bool = True) -> np.ndarray:
    """Which labels are in their sets or intervals, bool; of several numbers each one that is labelled.

    Args:
        pair: A head's outputs and labels.
        rows: The rows, bool `(rows,)`, all labelled.
        fitted: What belongs to sets and intervals.
        with_answer: As in :func:`mtlzoo.heads.conformal.prediction_sets`.
    """
    head, outputs, targets = pair.head, pair.outputs[rows], pair.targets[rows]
    if isinstance(head, ClassesHead):
        sets = prediction_sets(head, outputs, fitted, with_answer)
        return np.take_along_axis(sets, head.class_ids(targets)[:, None], axis=1)[:, 0]
    assert isinstance(head, NumbersHead)
    low, high = prediction_intervals(head, outputs, fitted)
    numbers = targets.reshape(-1, head.units)
    # Labels are float32: an interval may end at one.
    return np.asarray(((low - 1e-6 <= numbers) & (numbers <= high + 1e-6))[~np.isnan(numbers)])


def coverage_interval(fitted: Conformal, rows: int) -> tuple[float, float]:
    """Between which fractions the coverage of so many other rows lies, 95 times in 100, if scores are all different."""
    place = math.ceil(round((fitted.rows[0] + 1) * fitted.level, 9))
    if len(fitted.rows) > 1 or not rows or place > fitted.rows[0]:
        return np.nan, np.nan
    from scipy import stats  # takes a second to load

    low, high = stats.betabinom.interval(WITHIN, rows, place, fitted.rows[0] + 1 - place)
    return float(low / rows), float(high / rows)


def _sizes(head: Head, outputs: np.ndarray, fitted: Conformal) -> np.ndarray:
    if isinstance(head, ClassesHead):
        return prediction_sets(head, outputs, fitted).sum(axis=1)
    assert isinstance(head, NumbersHead)
    low, high = prediction_intervals(head, outputs, fitted)
    return np.asarray((high - low).mean(axis=1))


def _note(head: Head, fitted: Conformal) -> str:
    """Where there were too few rows to say what belongs."""
    few = [place for place, quantile in enumerate(fitted.quantiles) if math.isinf(quantile)]
    if not few:
        return ""
    least = math.ceil(round(fitted.level / (1 - fitted.level), 9))
    if isinstance(head, ClassesHead) and len(fitted.quantiles) > 1:
        return f"in every set, with fewer than {least} rows: {shorten([head.names[place] for place in few])}"
    return f"everything belongs: a level of {fitted.level:g} takes {least} rows"


def _chosen(heads: Mapping[str, Head], names: Collection[str] | None, score: str | None) -> list[str]:
    """The heads that get sets or intervals.

    Raises:
        HeadError: If there are none, or one that is named has none.
        ValueError: If none has such a score.
    """
    chosen = choose_heads(heads, lambda head: bool(scores_of(head)), names, "classes, levels or numbers")
    if score is None:
        return chosen
    known = sorted({each for name in chosen for each in scores_of(heads[name])})
    fitting = [name for name in chosen if score in scores_of(heads[name])]
    if not fitting or (names is not None and len(fitting) < len(chosen)):
        raise ValueError(f"Expected `score` to be one of {', '.join(known)} for these heads, received: {score!r}.")
    return fitting
