"""How many labels there are: of each head and pair of heads, of each class, and combinations that occur once."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.correction_files import row_numbers
from mtlzoo.heads.classes import ClassesHead

BALANCE = ["head", "label", "rows", "fraction"]
RARE = ["head", "label", "other_head", "other_label", "expected", "row", "image"]


def count_coverage(table: LabelTable) -> pd.DataFrame:
    """How many rows are labelled for two heads at once, int64 heads by heads; on the diagonal for each head alone."""
    labelled = table.labelled()
    known = labelled.to_numpy("float64").reshape(len(table), len(table.heads))
    counts = np.rint(known.T @ known).astype("int64")
    return pd.DataFrame(counts, pd.Index(list(table.heads), name="head"), list(table.heads))


def count_labels(table: LabelTable) -> pd.DataFrame:
    """How often each label occurs: `head`, `label`, `rows`, and the `fraction` of the head's labelled rows.

    Numbers and places, which have no classes, are one line a head.
    """
    lines: list[list[object]] = []
    for name, targets in table.labels().items():
        head = table.heads[name]
        labelled = head.labelled(targets)
        total, groups = max(int(labelled.sum()), 1), head.groups(targets)
        if groups is None:
            known = np.asarray(targets[labelled], "float64") if head.numeric else np.empty(0)
            told = f"{np.nanmin(known):g} to {np.nanmax(known):g}" if known.size else "places" if head.spatial else "-"
            lines.append([name, told, int(labelled.sum()), labelled.sum() / total])
            continue
        for label, rows in groups.items():
            lines.append([name, label, int(rows.sum()), rows.sum() / total])
    return pd.DataFrame(lines, columns=BALANCE)


def find_rare_combinations(table: LabelTable) -> pd.DataFrame:
    """Pairs of labels of two heads that stand together in one row only, the most surprising first.

    `expected` is in how many rows they would if the heads had nothing to do with each other; pairs of which that is less
    than 1 are left out, since chance leaves them rare.
    """
    ids = {
        name: table.heads[name].strata(targets)
        for name, targets in table.labels().items()
        if isinstance(table.heads[name], ClassesHead)
    }
    numbers, images = row_numbers(table), table.frame[IMAGE].tolist()
    lines = []
    for one, other in combinations(ids, 2):
        first, second = table.heads[one].names, table.heads[other].names  # type: ignore[attr-defined]
        rows = np.flatnonzero((ids[one] >= 0) & (ids[other] >= 0))
        both = ids[one][rows].astype("int64") * len(second) + ids[other][rows]
        pairs, places, counts = np.unique(both, return_index=True, return_counts=True)
        often = np.bincount(ids[one][rows], minlength=len(first)), np.bincount(ids[other][rows], minlength=len(second))
        for pair, place in zip(pairs[counts == 1], places[counts == 1]):
            label, its = divmod(int(pair), len(second))
            expected = float(often[0][label] * often[1][its] / len(rows))
            if expected >= 1:
                row = rows[place]
                lines.append([one, first[label], other, second[its], expected, numbers[row], images[row]])
    return pd.DataFrame(lines, columns=RARE).sort_values("expected", ascending=False, ignore_index=True)
