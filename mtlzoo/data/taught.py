"""A teacher's labels of the rows of a table, as the pipelines hand them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mtlzoo.data.row_values import place_labels
from mtlzoo.data.table import LabelTable
from mtlzoo.heads.taught import Taught
from mtlzoo.images.geometry import ImageGeometry


@dataclass(frozen=True, eq=False)
class TaughtRows:
    """A teacher's labels of all rows of a table. A teacher that learns itself changes them, in place, between epochs.

    Attributes:
        labels: By the name of the head, in image space, in a form that the head's loss reads; rows on the first axis.
        weights: How much each of them counts, float32 `(rows,)` of at least 0.
    """

    labels: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def columns(self, table: LabelTable, rows: np.ndarray, geometry: ImageGeometry) -> list[np.ndarray]:
        """Labels of some rows in input space, for each head, then their weights, for each head.

        Args:
            table: The rows.
            rows: Which of them, `(chosen,)`.
            geometry: Where the pixels of these rows come from.
        """
        placed = [place_labels(table, name, labels[rows], geometry, rows) for name, labels in self.labels.items()]
        return [*placed, *(weights[rows] for weights in self.weights.values())]

    def empty_columns(self, table: LabelTable) -> list[np.ndarray]:
        """Columns without rows, of the shapes and dtypes that :meth:`columns` gives."""
        nothing = np.zeros(0, "int64")
        return self.columns(table, nothing, ImageGeometry.empty(0, (1, 1)))

    def join(self, columns: Sequence[object]) -> Taught:
        """Columns as a batch has them."""
        count = len(self.labels)
        return Taught(dict(zip(self.labels, columns[:count])), dict(zip(self.weights, columns[count:])))
