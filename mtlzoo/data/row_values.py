"""What belongs to the rows of a table: their order in an epoch, targets in input space, geometry and weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtlzoo.data.sampling import draw_rows
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import ImageError, LabelError, TableError
from mtlzoo.images.decoding import image_dimensions
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.source import ImageSource
from mtlzoo.images.warping import resize_matrix


def epoch_rows(
    rows: int, shuffle: bool, seed: int, epoch: int, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The order of the rows in an epoch, counted from 0, and the seed of the augmentation in each place of that order.

    Args:
        rows: How many rows there are, and an epoch has.
        shuffle: Whether they come in an order of their own in each epoch.
        seed: What is drawn from, beside the epoch.
        epoch: The number of the epoch, from 0.
        weights: How often each row is drawn, beside the others, where they are shuffled; `None` for each once.
    """
    rng = np.random.default_rng([seed, epoch])
    order = np.arange(rows)
    if shuffle:
        order = rng.permutation(rows) if weights is None else draw_rows(weights, rng)
    return order, rng.integers(2**63, size=rows)


def place_labels(
    table: LabelTable, name: str, targets: np.ndarray, geometry: ImageGeometry, rows: np.ndarray | None = None
) -> np.ndarray:
    """Targets of some rows of a table in input space, of all of them by default.

    Raises:
        TableError: If a label lies outside of its image; it names the row.
    """
    try:
        return table.heads[name].to_input_space(targets, geometry)
    except LabelError as error:
        row = error.row if rows is None else rows[error.row]
        raise TableError(f"{table.where(row)}: head {name!r}: {error.reason}.") from None


def locate(table: LabelTable, image_size: tuple[int, int], resize: str = "stretch") -> ImageGeometry:
    """The map of each row's image to input space without augmentation, from the sizes of the images.

    Raises:
        TableError: If an image cannot be read; it names the row.
    """
    geometry, regions = ImageGeometry.empty(len(table), image_size), table.regions()
    for row, path in enumerate(table.paths()):
        try:
            size = image_dimensions(ImageSource(path))
        except ImageError as error:
            raise TableError(f"{table.where(row)}: {error.reason}") from None
        region = None if regions is None else regions[row]
        geometry.matrices[row] = resize_matrix(size, image_size, resize, region)
        geometry.sizes[row] = size
    return geometry


def row_weights(table: LabelTable, column: str) -> np.ndarray:
    """The weight of each row, float32 `(rows,)`.

    Raises:
        TableError: If there is no such column, or a weight is no number of at least 0; it names the row.
    """
    if column not in table.frame:
        raise TableError(
            f"{table.source}: no column {column!r} of weights; the columns are: {', '.join(map(str, table.frame))}."
        )
    cells = table.frame[column]
    weights = pd.to_numeric(cells.astype(object), errors="coerce").to_numpy("float32")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        cell = cells.iloc[[wrong[0]]].tolist()[0]
        raise TableError(f"{table.where(wrong[0])}: expected a weight of at least 0 in {column!r}, received: {cell!r}.")
    return weights
