"""What is asked of each row by itself: the class of a head, one of its tags, or one of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.heads import Head, MultiLabelHead
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.numbers import NumbersHead

FEWEST_ROWS = 20  # labelled, below which a head is left out
FEWEST = 5  # rows of a class, below which nobody can tell what it looks like


@dataclass(frozen=True)
class Target:
    """One question about each row.

    Attributes:
        head: The name of the head that it belongs to.
        unit: Which of the head's tags or numbers it is; 0 for classes.
        values: int64 `(rows,)` ids of classes, -1 for none; or float64 numbers, `NaN` for none.
        classes: How many classes there are; 0 for numbers.
    """

    head: str
    unit: int
    values: np.ndarray
    classes: int

    @property
    def known(self) -> np.ndarray:
        """Which rows have a label, bool `(rows,)`."""
        return self.values >= 0 if self.classes else np.isfinite(self.values)

    def columns(self) -> np.ndarray:
        """The labels as columns: one for each class, or the number in units of its deviation; zeros where there is none."""
        if self.classes:
            return np.eye(self.classes + 1, dtype="float32")[self.values][:, :-1]
        values = self.within_reach()
        known = values[self.known]
        deviation = max(float(known.std()), 1e-12)
        return np.nan_to_num((values - known.mean()) / deviation).astype("float32")[:, None]

    def within_reach(self) -> np.ndarray:
        """Numbers without extremes, so that a wrong one does not bend what is learned: three quartile distances at most."""
        low, high = np.nanquantile(self.values, (0.25, 0.75))
        reach = 3 * (high - low)
        return self.values if reach == 0 else np.clip(self.values, low - reach, high + reach)


def find_targets(table: LabelTable) -> tuple[list[Target], dict[str, str]]:
    """The questions that a table's labels answer, and why heads are left out.

    Returns:
        Targets in the order of the heads; and by the name of a head what is not looked at, and why.
    """
    targets, left_out = [], {}
    for name, encoded in table.labels().items():
        head = table.heads[name]
        found = [target for target in _of_head(name, head, encoded) if _enough(target)]
        if found:
            targets += found
        else:
            left_out[name] = _reason(head, int(head.labelled(encoded).sum()))
    return targets, left_out


def _of_head(name: str, head: Head, encoded: np.ndarray) -> list[Target]:
    if isinstance(head, ClassesHead):
        return [Target(name, 0, head.strata(encoded).astype("int64"), len(head.names))]
    if isinstance(head, MultiLabelHead):
        ids = np.where(encoded >= 0, np.rint(encoded), -1).astype("int64")
        return [Target(name, unit, ids[:, unit], 2) for unit in range(ids.shape[1])]
    if isinstance(head, NumbersHead):
        numbers = np.asarray(encoded, "float64")
        return [Target(name, unit, numbers[:, unit], 0) for unit in range(numbers.shape[1])]
    return []


def _enough(target: Target) -> bool:
    known = target.values[target.known]
    if len(known) < FEWEST_ROWS:
        return False
    if not target.classes:
        return bool(known.std() > 0)
    return int((np.bincount(known) >= FEWEST).sum()) >= 2


def _reason(head: Head, labelled: int) -> str:
    if not isinstance(head, ClassesHead | MultiLabelHead | NumbersHead):
        return "places in images are not looked at"
    if labelled < FEWEST_ROWS:
        return f"{labelled} labelled rows are too few, of which {FEWEST_ROWS} are needed"
    return f"there are no two labels with at least {FEWEST} rows each"
