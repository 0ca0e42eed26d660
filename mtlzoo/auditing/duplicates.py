"""Rows that show the same image, whether their labels agree, and whether they stand on both sides of a split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.auditing.looking import Looks
from mtlzoo.data import LabelTable
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.correction_files import row_numbers
from mtlzoo.data.parts import parts_of
from mtlzoo.heads import MultiLabelHead
from mtlzoo.heads.texts import label_text

DUPLICATES = ["group", "kind", "row", "image", "part", "distance", "contradictions"]
LEAKS = ["kind", "group", "parts", "rows", "row", "image", "part"]


def find_duplicates(table: LabelTable, looks: Looks, groups: np.ndarray, distances: dict[int, float]) -> pd.DataFrame:
    """The rows that show the same image as another row, groups with contradictions first.

    Args:
        table: The rows.
        looks: What their images look like.
        groups: int64 `(rows,)`, as :func:`mtlzoo.auditing.near_duplicates.near_groups` finds them.
        distances: Likewise.

    Returns:
        A frame with one line a row: `group`, `kind` (`"identical"` bytes or `"near"`, for the whole group), `row`, `image`,
        `part`, `distance` to the nearest one of other bytes, and `contradictions`, the heads whose labels differ within
        the group, with commas between.
    """
    counts = np.bincount(groups) if len(groups) else np.zeros(0, "int64")
    rows = np.flatnonzero(counts[groups] > 1) if len(groups) else np.zeros(0, "int64")
    by_group: dict[int, list[int]] = {}
    for row in rows:
        if looks.sizes[row, 0]:
            by_group.setdefault(int(groups[row]), []).append(int(row))
    contradicting = _contradictions(table, by_group)
    order = sorted(by_group, key=lambda group: (not contradicting[group], by_group[group][0]))
    numbers, images, parts = row_numbers(table), table.frame[IMAGE].tolist(), part_names(table)
    lines = []
    for number, group in enumerate(order):
        kind = "identical" if len({int(looks.content[row]) for row in by_group[group]}) == 1 else "near"
        for row in by_group[group]:
            distance = distances.get(row, 0.0 if kind == "identical" else np.nan)
            named = ", ".join(contradicting[group])
            lines.append([number, kind, numbers[row], images[row], parts[row], distance, named])
    return pd.DataFrame(lines, columns=DUPLICATES)


def find_leaks(table: LabelTable, duplicates: pd.DataFrame, group: np.ndarray | None) -> pd.DataFrame:
    """What stands in several parts of a split: the same image, or rows of one group.

    Args:
        table: The rows; their column of parts says where they stand.
        duplicates: Those of these rows.
        group: The group of each row; `None` for no groups.

    Returns:
        A frame with one line for each row of duplicates, `kind` `"identical"` or `"near"`, and one for each part of a group,
        with its first row, `kind` `"group"`; `parts` are all that it stands in, `rows` how many rows that is.
    """
    lines: list[list[Any]] = []
    for number, found in duplicates.groupby("group", sort=False):
        parts = found["part"].dropna().unique()
        if len(parts) > 1:
            listed = ", ".join(sorted(parts))
            lines += [
                [kind, number, listed, len(found), row, image, part]
                for kind, row, image, part in found[["kind", "row", "image", "part"]].itertuples(index=False)
            ]
    if group is not None and table.split is not None:
        frame = pd.DataFrame({"group": group, "part": part_names(table), "place": np.arange(len(table))})
        frame = frame[frame["part"].notna()]
        numbers, images = row_numbers(table), table.frame[IMAGE].tolist()
        for number, found in frame.groupby("group"):
            parts = found["part"].unique()
            if len(parts) > 1:
                listed, firsts = ", ".join(sorted(parts)), found.drop_duplicates("part")
                lines += [
                    ["group", number, listed, len(found), numbers[place], images[place], part]
                    for place, part in zip(firsts["place"], firsts["part"])
                ]
    return pd.DataFrame(lines, columns=LEAKS)


def part_names(table: LabelTable) -> np.ndarray:
    """The part of each row, `None` where it has none or the table has no split of its own."""
    if table.split is None:
        return np.full(len(table), None, dtype=object)
    return parts_of(table.frame[table.split])


def _contradictions(table: LabelTable, groups: dict[int, list[int]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {group: [] for group in groups}
    for name, targets in table.labels().items():
        head = table.heads[name]
        labelled = head.labelled(targets)
        if targets.dtype == object:
            cells = table.frame[name].astype(object).to_numpy()
        else:  # of several tags or numbers each that is known
            cells = np.where(targets >= 0, targets, np.nan) if isinstance(head, MultiLabelHead) else targets
        for group, rows in groups.items():
            known = cells[[row for row in rows if labelled[row]]]
            if len(known) > 1 and _differ(known):
                found[group].append(name)
    return found


def _differ(labels: np.ndarray) -> bool:
    if labels.dtype == object:
        return len(set(map(label_text, labels))) > 1
    return bool((np.fmax.reduce(labels) > np.fmin.reduce(labels)).any())
