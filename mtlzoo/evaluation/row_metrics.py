"""Metrics that are means over rows, row by row: what intervals and comparisons are quick to compute from."""

from __future__ import annotations

import numpy as np

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.imbalance import NO_ROW_MEANS


def row_values(pair: LabelledOutputs, rows: np.ndarray, metric: str, value: float) -> np.ndarray | None:
    """A head's main metric of each row by itself, if that of all rows is their mean: so are accuracies and errors, not F1.

    Args:
        pair: The head's outputs and labels.
        rows: The positions of the labelled rows.
        metric: The name of the main metric.
        value: Its value over these rows.

    Returns:
        `(all rows,)`, `NaN` where there is no label; `None` if the metric is no such mean.
    """
    if metric in NO_ROW_MEANS:
        return None
    values = np.full(len(pair.labelled), np.nan)
    if isinstance(pair.head, ClassesHead) and metric == "accuracy":
        values[rows] = pair.head.answers(pair.outputs[rows]) == pair.head.class_ids(pair.targets[rows])
    else:
        values[rows] = [pair.compute_metrics(row)["value"] for row in rows[:, None]]
    known = values[~np.isnan(values)]
    return values if len(known) and np.isclose(known.mean(), value, rtol=1e-4) else None
