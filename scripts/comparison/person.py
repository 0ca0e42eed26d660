"""A person who knows all labels of a table and tells those that are asked for, one cell at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import mtlzoo as mtl


class Person:
    """Who alone knows the labels; everybody else sees the table that `hidden` gives.

    Args:
        table: The table with all labels; one label a cell, and a row's number in the index.
    """

    def __init__(self, table: mtl.data.LabelTable):
        self._table, self._labelled = table, table.labelled().to_numpy()

    def hidden(self) -> mtl.data.LabelTable:
        """The table without any label."""
        frame = self._table.frame.copy()
        for name in self._table.heads:
            frame[name] = pd.Series([None] * len(frame), index=frame.index, dtype=object)
        return replace(self._table, frame=frame, remarks={}, notes=())

    def draw(self, seed: int) -> pd.DataFrame:
        """All cells that have a label, in a random order: the columns `row`, `head` and an empty `label`."""
        rows, heads = np.nonzero(self._labelled)
        order = np.random.default_rng(seed).permutation(len(rows))
        names, numbers = np.array(list(self._table.heads)), self._table.frame.index.to_numpy()
        return pd.DataFrame({"row": numbers[rows[order]], "head": names[heads[order]], "label": ""})

    def tell(self, table: mtl.data.LabelTable, cells: pd.DataFrame) -> mtl.data.LabelTable:
        """A table with the labels of some cells, as far as they have one."""
        labels = [self._table.frame.at[row, name] for row, name in zip(cells["row"], cells["head"])]
        return mtl.apply_corrections(table, cells[["row", "head"]].assign(label=labels))
