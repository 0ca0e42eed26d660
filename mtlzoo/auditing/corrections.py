"""The cells that a person should look at, as a table to fill in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.correction_files import row_numbers
from mtlzoo.heads.texts import is_missing, label_text

COLUMNS = ["row", "image", "head", "given", "suggestion", "suspicion", "reason", "label"]


def as_corrections(table: LabelTable, suspects: pd.DataFrame, duplicates: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Contradicting labels of the same image, then suspicious ones; the column `label` is empty.

    Args:
        table: The rows.
        suspects: As an audit has them.
        duplicates: Likewise.
        limit: How many cells at most.
    """
    places = {number: place for place, number in enumerate(row_numbers(table).tolist())}
    wrong = suspects[suspects["suspicion"].astype(float) > 0.5].head(limit)
    known = {
        (row, head): (told, how) for row, head, told, how in wrong[["row", "head", "suggestion", "suspicion"]].values
    }
    lines = []
    for row, image, names in duplicates[["row", "image", "contradictions"]].itertuples(index=False):
        for name in [each for each in table.heads if f", {each}, " in f", {names}, "]:  # names may have commas
            cell = table.frame[name].iloc[[places[row]]].tolist()[0]
            if not is_missing(cell):
                told = known.pop((row, name), ("", np.nan))
                lines.append([row, image, name, label_text(cell), *told, "contradicts the same image", ""])
    for row, image, head, label, told, how in wrong.itertuples(index=False):
        if (row, head) in known:
            lines.append([row, image, head, label_text(label), told, how, "suspicious", ""])
    return pd.DataFrame(lines[:limit], columns=COLUMNS).round({"suspicion": 4})
