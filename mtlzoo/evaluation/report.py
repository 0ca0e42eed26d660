"""The metrics of each head beside those of its trivial baseline, as one table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mtlzoo.evaluation.applicability import applicability_metrics
from mtlzoo.evaluation.labelled import LabelledOutputs

MEAN, WEIGHTED = "mean", "weighted mean"


def report_heads(pairs: Mapping[str, LabelledOutputs]) -> pd.DataFrame:
    """One row a head, and below them the mean over heads and over labels.

    Args:
        pairs: Outputs and labels by the name of the head.

    Returns:
        The data frame that :meth:`Predictions.evaluate` describes.
    """
    applicability = applicability_metrics(pairs)
    rows = {
        name: {
            "kind": pair.head.describe(),
            "labelled": int(pair.labelled.sum()),
            **pair.compute_metrics(),
            **applicability.get(name, {}),
        }
        for name, pair in pairs.items()
    }
    report = pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")
    return pd.concat([report, _overall(report)]).rename_axis("head")


def _overall(report: pd.DataFrame) -> pd.DataFrame:
    """The mean over heads, and that weighted by their labelled rows."""
    with_labels = report[report["labelled"] > 0]
    metrics = with_labels.select_dtypes("number").drop(columns="labelled").dropna(axis=1)
    if with_labels["metric"].nunique() > 1:  # accuracies and errors have no common mean
        metrics = metrics.drop(columns=["value", "baseline"], errors="ignore")
    weights = with_labels["labelled"]
    overall = pd.DataFrame([metrics.mean(), metrics.mul(weights, axis=0).sum() / weights.sum()], index=[MEAN, WEIGHTED])
    overall.insert(0, "labelled", int(weights.sum()))
    overall.insert(0, "kind", f"{len(with_labels)} heads")
    return overall
