"""How many labels each head has in each part of a split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mtlzoo.data.table import LabelTable
from mtlzoo.heads import Head
from mtlzoo.heads.conditions import NO, NOT_APPLICABLE, asked_by_labels

LABELLED, MISSING, CLASS = "labelled", "missing", "class"


def count_labels(parts: Mapping[str, LabelTable]) -> pd.DataFrame:
    """Count rows with and without labels, and those of each class or tag.

    Args:
        parts: Tables with the same heads, by the name of the part.

    Returns:
        The columns `head`, `counted` (`"labelled"`, `"missing"`, `"not applicable"` where a head has conditions, or
        `"class"`), `label` (the name of the class or tag, else empty), and one for each part with the number of rows.

    Example:

    ```python
    counts = mtl.data.label_counts.count_labels({"train": train, "valid": valid})
    counts[counts["counted"] == "missing"]
    ```
    """
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for part, table in parts.items():
        labels = table.labels()
        states = asked_by_labels(table.heads, labels)
        for name, head in table.heads.items():
            labelled = head.labelled(labels[name])
            ruled_out = (states[name] == NO) & ~labelled if name in states else np.zeros(len(labelled), bool)
            counts = {(LABELLED, ""): labelled.sum(), (MISSING, ""): (~labelled & ~ruled_out).sum()}
            if name in states:
                counts[NOT_APPLICABLE, ""] = ruled_out.sum()
            counts |= {(CLASS, label): rows for label, rows in _classes(head, labels[name]).items()}
            for (counted, label), rows in counts.items():
                found.setdefault((name, counted, label), {})[part] = int(rows)
    frame = pd.DataFrame.from_records(list(found), columns=["head", "counted", "label"])
    for part in parts:
        frame[part] = [counts.get(part, 0) for counts in found.values()]
    return frame


def _classes(head: Head, targets: np.ndarray) -> dict[str, int]:
    """How many rows have each class or tag; nothing for numbers and places."""
    names = [str(name) for name in getattr(head, "names", None) or getattr(head, "classes", None) or ()]
    strata = head.strata(targets)
    if not names or (head.spatial and strata.ndim == 1):
        return {}
    one_a_row = strata.ndim == 1
    counts = np.bincount(strata[strata >= 0], minlength=len(names)) if one_a_row else (strata == 1).sum(axis=0)
    return dict(zip(names, counts.tolist(), strict=True)) if len(counts) == len(names) else {}
