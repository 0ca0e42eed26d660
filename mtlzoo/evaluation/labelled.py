"""The outputs of one head beside the labels of the same rows: what metrics are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.data.row_values import place_labels
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry


@dataclass(frozen=True, eq=False)
class LabelledOutputs:
    """One head's outputs and labels, row by row.

    Attributes:
        head: The head.
        targets: Encoded labels, of spatial heads in input space.
        outputs: The network's outputs for the same rows.
        labelled: Which rows have a label: bool `(rows,)`.
        geometry: Where input space lies in the images, for heads that measure in image space; `None` for all others.
    """

    head: Head
    targets: np.ndarray
    outputs: np.ndarray
    labelled: np.ndarray
    geometry: ImageGeometry | None = None

    def compute_metrics(self, rows: np.ndarray | None = None) -> dict[str, Any]:
        """The head's metrics over some rows, given by their positions; all rows by default.

        Returns:
            As :meth:`Head.evaluate` gives them: `metric`, `value`, `baseline`, `score` and those of the kind of head.
        """
        rows = np.arange(len(self.labelled)) if rows is None else rows
        where = () if self.geometry is None else (self.geometry.take(rows),)
        return self.head.evaluate(self.targets[rows], self.outputs[rows], *where)


def check_lengths(table: LabelTable, names: Iterable[str], outputs: Mapping[str, np.ndarray]) -> None:
    """Refuse outputs that are not one a row of a table.

    Raises:
        ValueError: If some head has more or fewer outputs.
    """
    for name in names:
        if len(outputs[name]) != len(table):
            raise ValueError(f"Expected {len(table)} predictions for {name!r}, received: {len(outputs[name])}.")


def pair_labels(
    table: LabelTable, heads: Mapping[str, Head], outputs: Mapping[str, np.ndarray], geometry: ImageGeometry | None
) -> dict[str, LabelledOutputs]:
    """Put outputs beside the labels of a table.

    Args:
        table: As many rows as there are outputs, read by the heads (:meth:`LabelTable.for_heads`).
        heads: The model's heads.
        outputs: Arrays by head, rows on the first axis.
        geometry: Where input space lies in the images; needed for labels that are places.

    Returns:
        By the name of the head, for the heads that the table has columns for.

    Raises:
        TableError: If a label is invalid, or lies outside of its image; it names the row.
        ValueError: If there are more or fewer outputs than rows, or the geometry of a spatial head is not known.
    """
    labels = table.labels()
    check_lengths(table, labels, outputs)
    pairs = {}
    for name, targets in labels.items():
        head = heads[name]
        labelled = head.labelled(targets)
        if head.spatial:
            if geometry is None:
                raise ValueError(
                    f"Expected `geometry`, where the predictions of {name!r} lie in the images, received: None."
                )
            targets = place_labels(table, name, targets, geometry)
        pairs[name] = LabelledOutputs(head, targets, outputs[name], labelled, geometry if head.spatial else None)
    return pairs
