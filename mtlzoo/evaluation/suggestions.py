"""Which cells of a table are worth asking a person for."""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.correction_files import HEAD, ROW, RowFinder, plain_text, read_corrections, row_numbers
from mtlzoo.errors import InputError
from mtlzoo.evaluation.cell_worth import Cells
from mtlzoo.evaluation.feature_views import run_views
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.predictions import Labelled
from mtlzoo.evaluation.views import list_models
from mtlzoo.models import MultiTaskModel

Asked: TypeAlias = pd.DataFrame | str | os.PathLike[str]

COLUMNS = ["row", "image", "head", "prediction", "probability", "worth", "label"]


def suggest_labels(
    model: MultiTaskModel | Sequence[MultiTaskModel],
    table: Labelled,
    budget: int = 200,
    *,
    asked: Asked | Sequence[Asked] = (),
    test_time_augmentation: str | None = None,
    batch_size: int = 32,
    seed: int = 0,
) -> pd.DataFrame:
    """The cells whose labels would help a model most: the rows to ask a person about, each for one head.

    Only missing labels are asked for, and none that a label of another head rules out (`only_if=`) or that is not asked
    with a probability of 90 % by what the model predicts. Each head gets its part of the budget by what one more label is
    worth to it: the errors that are expected of the model, which fall with the root of the number of labels. So heads with
    few labels get more, those that are right already fewer. Within a head each cell is the one that covers most of what
    the model is unsure of, rare answers first, and no labelled or chosen image is like, see
    :mod:`mtlzoo.evaluation.coverage`: near duplicates are not all asked for, outliers that are like nothing else last, the
    same image once.

    Args:
        model: The model; or a list of several with the same heads, where what they disagree about is asked first.
        table: Images with labels for some of the model's heads, as :func:`mtlzoo.evaluate` takes them.
        budget: How many cells.
        asked: Cells that are not to be asked for (again), with the columns `head` and `row`, `image` or both, such as
            earlier suggestions that nobody could answer; a data frame, a CSV file, or a list of such.
        test_time_augmentation: `"flip"` asks first what the model says otherwise of the mirror image; twice the time.
        batch_size: Rows at a time.
        seed: Heads with more than 3,000 missing labels choose from as many of them, drawn by this.

    Returns:
        A data frame with a row for each cell, the most worthwhile first: `row` (the row's number in the index of
        `table.frame`; its position if the index has no different whole numbers), `image`, `head`, `prediction` and its
        `probability` (if the head is asked), `worth` (1 for the first), and `label`, which is empty: what a person fills
        in for :func:`mtlzoo.apply_corrections`.

    Raises:
        InputError: If the budget is no positive whole number.
        TableError: If the table has no rows or no column for any head, an image cannot be read, or a label is invalid.
        ValueError: If there is no such test-time augmentation, or several models have not the same heads.

    Example:

    ```python
    suggestions = mtl.suggest_labels(model, train, budget=20)
    suggestions.to_csv("suggestions.csv", index=False)  # and a person fills in the column `label`
    train = mtl.apply_corrections(train, "suggestions.csv")
    ```
    """
    if not isinstance(budget, int | np.integer) or isinstance(budget, bool) or budget < 1:
        raise InputError(f"Expected `budget` to be a whole number of at least 1, received: {budget!r}.")
    models = list_models(model)
    bound = read_labelled(table).for_heads(models[0].heads)
    bound.labels()  # refused before the network runs
    barred = _barred(bound, asked)
    cells = Cells(bound, run_views(models, bound, batch_size, test_time_augmentation), barred, seed)
    streams = [cells.of_head(name, budget) for name in bound.heads]
    chosen = list(islice(heapq.merge(*streams), budget))
    numbers, images = row_numbers(bound), bound.frame[IMAGE].tolist()
    records = []
    for worth, place, row in chosen:
        name = list(bound.heads)[place]
        answer = cells.decoded[name]
        probability = answer["probability"][row] if "probability" in answer else float("nan")
        records.append([numbers[row], images[row], name, answer["answer"][row], probability, worth / chosen[0][0], ""])
    return pd.DataFrame(records, columns=COLUMNS)


def _barred(table: LabelTable, asked: Asked | Sequence[Asked]) -> dict[str, np.ndarray]:
    """By head the rows that were asked for already, bool `(rows,)`."""
    barred, find = {name: np.zeros(len(table), bool) for name in table.heads}, RowFinder(table)
    for each in asked if isinstance(asked, list | tuple) else [asked]:
        given = read_corrections(each, {}, [HEAD])
        for place in range(len(given.frame)):
            name = plain_text(str(given.cell(place, HEAD)))
            number, image = given.cell(place, ROW), given.cell(place, IMAGE)
            try:
                rows = [find(number, image)]
            except ValueError:  # of another part of the table, or another one; or an image that several rows show
                rows = find.showing(str(image)) if number is None else []
            if name in barred:
                barred[name][rows] = True
    return barred
