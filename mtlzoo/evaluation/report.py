"""How good each head is, beside an answer that does not look at the image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data import Table
from mtlzoo.data.dataset import locate, place_labels
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.prediction import placed_outputs
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model

MEAN, WEIGHTED = "mean", "weighted mean"


def evaluate(
    model: MultiTaskModel,
    table: Table | pd.DataFrame | str | os.PathLike,
    batch_size: int = 32,
    predictions: Mapping[str, np.ndarray] | None = None,
    geometry: ImageGeometry | None = None,
) -> pd.DataFrame:
    """Judge a model on a table, labelled rows only.

    Args:
        model: The model.
        table: Images with labels for some of the model's heads: a table; a data frame with a column `image` and one for
            each head; a CSV file, or a folder with its `labels.csv`; or a folder of images sorted by label.
        batch_size: Rows at a time.
        predictions: What :func:`outputs` gave for these rows, if it is known already; for the heads that have labels.
        geometry: Where what the network saw lies in the images, if that is known already.

    Returns:
        A data frame with one row a head: `labelled` (rows), `metric` (the name of the main one), `value`, `baseline`
        (the same metric of the majority class, or of the labels' mean), `score` (the value on a scale where higher is
        better and 1 is perfect), and what is customary for the kind of head: `accuracy`, beside it `accuracy_baseline` (the
        majority's share), `balanced_accuracy` (the mean recall over classes), `auc`, `f1`, `mae`, `r2`, `nme`,
        `failure_rate`. Below, the rows `mean` (every head counts the same) and
        `weighted mean` (every label counts the same) of the columns that all labelled heads have in common.

    Raises:
        TableError: If a label is none that the model knows, an image cannot be read, or the table has no rows or no
            column for any head.
        InputError: If it is nothing of these.
        ValueError: If there is not one prediction a row.

    Example:

    ```python
    report = mtl.evaluate(model, valid)
    report.loc["coat_length", ["accuracy", "baseline"]]
    ```
    """
    check_model(model)
    table = read_labelled(table).for_heads(model.heads)
    predictions, geometry = answers_for(model, table, batch_size, predictions, geometry)
    rows = {}
    for name, targets in table.labels().items():
        head = model.heads[name]
        figures = judge(head, targets, predictions[name], geometry)
        rows[name] = {"kind": head.describe(), "labelled": int(head.labelled(targets).sum()), **figures}
    report = pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")
    return pd.concat([report, _overall(report)]).rename_axis("head")


def answers_for(
    model: MultiTaskModel,
    table: Table,
    batch_size: int,
    predictions: Mapping[str, np.ndarray] | None,
    geometry: ImageGeometry | None,
) -> tuple[Mapping[str, np.ndarray], ImageGeometry | None]:
    """The predictions for a table that the model's heads read, and where its pixels lie, as far as they are not given.

    Raises:
        TableError: If a label lies outside of its image; it names the row.
        ValueError: If there is not one prediction a row.
    """
    labels = table.labels()
    spatial = [name for name in labels if model.heads[name].spatial]
    if predictions is None:
        predictions, geometry = placed_outputs(model, table, batch_size)
    for name in labels:
        if len(predictions[name]) != len(table):
            raise ValueError(f"Expected {len(table)} predictions for {name!r}, received: {len(predictions[name])}.")
    if geometry is None and spatial:
        geometry = locate(table, model.input_shape[1:3], model.resize)
    for name in spatial:
        place_labels(table, name, labels[name], geometry)
    return predictions, geometry


def judge(head: Head, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None) -> dict[str, Any]:
    """A head's figures; places are compared where they lie in the images."""
    if not head.spatial or geometry is None:
        return head.evaluate(targets, predictions)
    return head.evaluate(head.to_input_space(targets, geometry), predictions, geometry)


def _overall(report: pd.DataFrame) -> pd.DataFrame:
    """The mean over heads, and that weighted by their labelled rows."""
    judged = report[report["labelled"] > 0]
    figures = judged.select_dtypes("number").drop(columns="labelled").dropna(axis=1)
    if judged["metric"].nunique() > 1:  # accuracies and errors have no common mean
        figures = figures.drop(columns=["value", "baseline"], errors="ignore")
    weights = judged["labelled"]
    overall = pd.DataFrame([figures.mean(), figures.mul(weights, axis=0).sum() / weights.sum()], index=[MEAN, WEIGHTED])
    overall.insert(0, "labelled", int(weights.sum()))
    overall.insert(0, "kind", f"{len(judged)} heads")
    return overall
