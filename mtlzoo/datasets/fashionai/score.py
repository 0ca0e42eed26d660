"""The score of the FashionAI attribute recognition competition (Alibaba Tianchi, 2018): mAP and BasicPrecision."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from mtlzoo.datasets.fashionai.submission import check_columns, read_answers, read_submission

Key = tuple[str, str]


def fashionai_score(
    submission: pd.DataFrame | str | os.PathLike[str],
    answers: pd.DataFrame | str | os.PathLike[str],
    ties: Literal["rows", "distinct"] = "rows",
) -> pd.DataFrame:
    r"""Score a submission by the rules of the FashionAI competition.

    Of each row only the largest probability and its position are used (the first one, should several be largest).
    The answer has one letter for each position: `y` there counts as predicted and correct, `n` (no) as predicted,
    and `m` (maybe) is not counted. A threshold $t$ blocks the rows whose largest probability is below it, and

    $$P(t) = \frac{\text{correct rows not blocked}}{\text{predicted rows not blocked}}.$$

    An attribute's average precision AP is the mean of $P(t)$ over the thresholds that leave a row, which are the
    rows' own largest probabilities (`m` rows set thresholds too). Where a threshold leaves `m` rows only, $P(t)$ is
    0/0, so the term is left out of the mean. BasicPrecision is $P$ without a threshold. The overall
    values are plain means over the attributes; an attribute without any counted row has `NaN`, and is left out too.

    Args:
        submission: `pandas.DataFrame` with the columns `image`, `attribute` and `value` (probabilities joined by
            `;`), or the path of a CSV file with these columns and no header.
        answers: The same, its values strings of `y`, `m` and `n`, exactly one of them `y`, as long as there are
            probabilities. Rows may come in another order than in `submission`.
        ties: How rows with the same largest probability count. `"rows"`: one term a row, tied rows sharing the P of
            their threshold. `"distinct"`: one term a distinct threshold.

    Returns:
        A `pandas.DataFrame`, indexed by `attribute` in the order of `answers`, with the columns `rows`, `counted`
        (rows that are not `m`), `AP` and `basic_precision`; the last row, `"mean"`, holds the totals of the
        counts, the mAP and the mean BasicPrecision.

    Raises:
        ValueError: A row is missing, superfluous or there twice; a value is not as described, or not as long as its
            answer. The message names file and row (counted from 1).

    Example:

    ```python
    import pandas as pd

    from mtlzoo.datasets.fashionai.score import fashionai_score

    columns = ["image", "attribute", "value"]
    pairs = [["a.jpg", "neck_labels"], ["b.jpg", "neck_labels"]]
    submission = pd.DataFrame([[*pairs[0], "0.9;0.1"], [*pairs[1], "0.4;0.6"]], columns=columns)
    answers = pd.DataFrame([[*pairs[0], "yn"], [*pairs[1], "yn"]], columns=columns)
    scores = fashionai_score(submission, answers)
    assert scores.loc["mean", "AP"] == 0.75  # (1/1 + 1/2) / 2
    assert scores.loc["mean", "basic_precision"] == 0.5
    ```
    """
    if ties not in ("rows", "distinct"):
        raise ValueError(f"Expected ties to be 'rows' or 'distinct', received: {ties!r}.")
    submission, submission_name = _load(submission, read_submission, "the submission")
    answers, answers_name = _load(answers, read_answers, "the answers")
    submission_rows = _rows_by_key(submission, submission_name)
    answer_rows = _rows_by_key(answers, answers_name)
    if not answer_rows:
        raise ValueError(f"Expected at least one row in {answers_name}, received: none.")
    _check_same_keys(submission_rows, submission_name, answer_rows, answers_name)

    submitted, expected = submission["value"].tolist(), answers["value"].tolist()
    confidences: dict[str, list[float]] = {}
    letters: dict[str, list[str]] = {}
    for key, answer_row in answer_rows.items():
        row = submission_rows[key]
        label = _label(expected[answer_row], _place(key, answer_row, answers_name))
        probabilities = _probabilities(submitted[row], _place(key, row, submission_name))
        if len(probabilities) != len(label):
            raise ValueError(
                f"Expected {len(label)} probabilities, as many as the answer {label!r} has letters, "
                f"in {_place(key, row, submission_name)}, received: {len(probabilities)}."
            )
        position = max(range(len(label)), key=probabilities.__getitem__)
        confidences.setdefault(key[1], []).append(probabilities[position])
        letters.setdefault(key[1], []).append(label[position])

    scores = pd.DataFrame(
        [_score_attribute(np.array(confidences[name]), np.array(letters[name]), ties) for name in confidences],
        index=pd.Index(list(confidences), name="attribute"),
        columns=["rows", "counted", "AP", "basic_precision"],
    )
    scores.loc["mean"] = [*scores[["rows", "counted"]].sum(), *scores[["AP", "basic_precision"]].mean()]
    return scores.astype({"rows": "int64", "counted": "int64"})


def _score_attribute(confidences: np.ndarray, letters: np.ndarray, ties: str) -> tuple[int, int, float, float]:
    """Return rows, counted rows, AP and BasicPrecision of one attribute, in the time of one sort."""
    _, group, group_rows = np.unique(-confidences, return_inverse=True, return_counts=True)  # most confident first
    correct = np.cumsum(np.bincount(group, weights=letters == "y"))
    predicted = np.cumsum(np.bincount(group, weights=letters != "m"))
    known = predicted > 0
    if not known.any():
        return len(letters), 0, math.nan, math.nan
    precision = correct[known] / predicted[known]
    average = np.average(precision, weights=group_rows[known] if ties == "rows" else None)
    return len(letters), int(predicted[-1]), float(average), float(precision[-1])


def _load(
    source: pd.DataFrame | str | os.PathLike[str], read: Callable[[str | os.PathLike[str]], pd.DataFrame], name: str
) -> tuple[pd.DataFrame, str]:
    if not isinstance(source, pd.DataFrame):
        return read(source), os.fspath(source)
    check_columns(source, name)
    return source, name


def _rows_by_key(frame: pd.DataFrame, name: str) -> dict[Key, int]:
    rows: dict[Key, int] = {}
    for row, key in enumerate(zip(frame["image"].tolist(), frame["attribute"].tolist(), strict=True)):
        if key in rows:
            raise ValueError(
                f"Expected each image and attribute once, received: {_place(key, row, name)}, "
                f"which is also in row {rows[key] + 1}. Remove one of the two."
            )
        rows[key] = row
    return rows


def _check_same_keys(
    submission_rows: dict[Key, int], submission_name: str, answer_rows: dict[Key, int], answers_name: str
) -> None:
    missing = [key for key in answer_rows if key not in submission_rows]
    if missing:
        raise ValueError(
            f"Expected a prediction for {_place(missing[0], answer_rows[missing[0]], answers_name)}, "
            f"received: none in {submission_name} ({len(missing)} missing in all)."
        )
    extra = [key for key in submission_rows if key not in answer_rows]
    if extra:
        raise ValueError(
            f"Expected only images and attributes that are in {answers_name}, "
            f"received: {_place(extra[0], submission_rows[extra[0]], submission_name)} ({len(extra)} too many in all)."
        )


def _label(value: object, place: str) -> str:
    if not isinstance(value, str) or set(value) - set("ymn") or value.count("y") != 1:
        raise ValueError(f"Expected letters y, m and n, exactly one of them y, in {place}, received: {value!r}.")
    return value


def _probabilities(value: Any, place: str) -> list[float]:
    try:
        probabilities = [float(number) for number in value.split(";")]
    except (AttributeError, ValueError):  # not a string, or not of numbers
        probabilities = [math.nan]
    if not all(0 <= probability < math.inf for probability in probabilities):
        raise ValueError(
            f"Expected probabilities, finite and at least 0, joined by ';' in {place}, received: {value!r}."
        )
    return probabilities


def _place(key: Key, row: int, name: str) -> str:
    image, attribute = key
    return f"row {row + 1} of {name} (image {image!r}, attribute {attribute!r})"
