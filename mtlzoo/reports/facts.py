"""What a report says in numbers: computed once, for the page and for the model card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.data.label_counts import LABELLED
from mtlzoo.evaluation import Predictions, calibration_errors
from mtlzoo.evaluation.grouping import By, Groups, group_rows
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.subgroups import ALL, report_groups
from mtlzoo.heads.texts import is_missing
from mtlzoo.reports.pieces import listed
from mtlzoo.reports.sources import Sources

MOST_GROUPS = 12  # of a column that is grouped by without being asked for
FEW_LABELS = 30  # below which a metric is hardly more than chance


@dataclass(frozen=True)
class Facts:
    """The numbers of a report.

    Attributes:
        sources: What they were computed from.
        pairs: Outputs and labels of the test rows, by head.
        report: As :meth:`mtlzoo.evaluation.Predictions.evaluate` gives it.
        heads: A row for each head with labels: `kind`, `labelled`, `metric`, `value`, `low`, `high`, `baseline`, `beats`
            (whether the trivial baseline lies outside of the interval, on the worse side), `plain` (whether the metric is a
            score: from 0 to 1, higher is better).
        groups: As :meth:`mtlzoo.evaluation.Predictions.groups` gives them, all rows first.
        calibration: As :func:`mtlzoo.evaluation.calibration_errors` gives it.
    """

    sources: Sources
    pairs: dict[str, LabelledOutputs]
    report: pd.DataFrame
    heads: pd.DataFrame
    groups: pd.DataFrame
    calibration: pd.DataFrame

    def worse_groups(self) -> pd.DataFrame:
        """The groups of which the whole interval lies on the worse side of all rows, the furthest off first."""
        rows = self.groups.reset_index()
        rows["all"] = rows["head"].map(self.heads["value"])
        rising = rows["head"].map(self.heads["plain"])
        worse = np.where(rising, rows["high"] < rows["all"], rows["low"] > rows["all"]) & (rows["by"] != ALL)
        overall = rows[rows["by"] == ALL].set_index("head")["score"]
        found = rows[worse].assign(behind=(rows["head"].map(overall) - rows["score"])[worse])
        return found.sort_values("behind", ascending=False, kind="stable").drop(columns="behind")

    def sentences(self) -> list[str]:
        """What the numbers say, in words."""
        known, scores = self.heads, self.report.loc[self.heads.index, "score"]
        said = (
            [f"Mean score {scores.mean():.3f} over {len(known)} heads with labelled test rows."]
            if len(known) > 1
            else []
        )
        beaten = known["beats"].sum()
        doubtful = list(known.index[~known["beats"].astype(bool)])
        which = "All heads are" if beaten == len(known) else f"{beaten} of {len(known)} heads are"
        if len(known):
            said.append(f"{which} better than their trivial baseline by more than chance explains.")
        if doubtful:
            said.append(f"Not so: {listed(doubtful)}.")
        few = list(known.index[known["labelled"] < FEW_LABELS])
        if few:
            said.append(f"Fewer than {FEW_LABELS} labelled test rows, and so hardly measured: {listed(few)}.")
        worse = self.worse_groups()
        if len(worse):
            names = dict.fromkeys(f"{row.head} for {row.by} {row.group}" for row in worse.itertuples())
            said.append(f"Worse in a group than over all rows: {listed(names, 5)}.")
        return said


def find_facts(sources: Sources, by: By | None = None) -> Facts:
    """Compute the numbers of a report.

    Args:
        sources: What it is written from.
        by: Columns to group by; by default those that are no heads and have a few different values.

    Raises:
        TableError: If there is no such column, or a label is invalid.
    """
    predictions = sources.predictions
    assert predictions.table is not None
    table = predictions.table
    bound = table.for_heads(predictions.heads)
    pairs = predictions.with_labels(bound)
    blocks = group_rows(table, bound, by) if by else _usual_groups(predictions)
    report, groups = predictions.evaluate(), report_groups(pairs, blocks)
    return Facts(sources, pairs, report, _heads(report, groups, pairs), groups, calibration_errors(predictions))


def _heads(report: pd.DataFrame, groups: pd.DataFrame, pairs: dict[str, LabelledOutputs]) -> pd.DataFrame:
    rows: dict[str, dict[str, Any]] = {}
    for name, pair in pairs.items():
        if not report.loc[name, "labelled"]:
            continue
        own, known = groups.loc[(ALL, ALL, name)], report.loc[name]
        value, baseline, low, high = (
            float(each) for each in (known["value"], known["baseline"], own["low"], own["high"])
        )
        plain = bool(np.isclose(float(pair.head.score(0.25)), 0.25))  # errors come to another scale
        beats = low > baseline if plain else high < baseline
        rows[name] = {"kind": pair.head.describe(), "labelled": int(known["labelled"]), "metric": known["metric"]}
        rows[name] |= {"value": value, "low": low, "high": high, "baseline": baseline, "beats": beats, "plain": plain}
    columns = ["kind", "labelled", "metric", "value", "low", "high", "baseline", "beats", "plain"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("head")


def _usual_groups(predictions: Predictions) -> dict[str, Groups]:
    """Groups by the columns that look as if they were made for that."""
    table = predictions.table
    assert table is not None
    bound, blocks = table.for_heads(predictions.heads), dict[str, Groups]()
    for column in table.frame:
        if column in bound.heads or column in (IMAGE, REGION, table.split):
            continue
        cells = [cell for cell in table.frame[column].tolist() if not is_missing(cell)]
        if not all(isinstance(cell, str | int | float) for cell in cells) or not 1 < len(set(cells)) <= MOST_GROUPS:
            continue
        try:
            blocks |= group_rows(table, bound, [column])
        except ValueError:  # a quantity, for which edges are needed
            continue
    return blocks


def labels_by_part(labels: pd.DataFrame, parts: Sequence[str]) -> pd.DataFrame:
    """How many rows are labelled for each head in each part, and the fraction of those of the first part that are not."""
    rows = labels[labels["counted"] != "class"].groupby("head", sort=False)[list(parts)].sum()
    known = labels[labels["counted"] == LABELLED].set_index("head")[list(parts)]
    frame = pd.DataFrame(index=known.index)
    for part in parts:
        frame[part] = known[part]
    frame[f"without, of {parts[0]}"] = [
        1 - known.loc[head, parts[0]] / max(rows.loc[head, parts[0]], 1) for head in known.index
    ]
    return frame
