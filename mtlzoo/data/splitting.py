"""Split a table so that nothing leaks and every label keeps its share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtlzoo.data.checking import same_content
from mtlzoo.data.table import Table, TableError


def split(
    table: Table, shares: Sequence[float], group: str | Sequence | None = None, seed: int = 0, identical: bool = True
) -> list[Table]:
    """Split a table into parts, such as training and validation.

    Every label of every head keeps its share in each part as nearly as may be (iterative stratification after Sechidis,
    Tsoumakas and Vlahavas 2011, rarest labels first, over whole groups at a time). Rows of one group stay together, and
    so do byte-identical pictures: the same photograph on both sides would be a test on the training set.

    Args:
        table: What to split.
        shares: The shares of the parts, e.g. `[0.8, 0.2]`; above 0, their sum 1.
        group: The name of a column, or one value a row; rows with the same value stay together, rows without a value
            stand alone.
        seed: The same seed splits the same way.
        identical: Whether to compare the files' contents; only files of the same size are read.

    Returns:
        One table a share, rows in their old order.

    Raises:
        ValueError: If the shares are wrong.
        TableError: If there is no such group column, or fewer groups than parts.

    Example:

    ```python
    train, valid = mtl.data.split(table, [0.8, 0.2], group="sender_id")
    ```
    """
    shares = np.asarray(shares, "float64")
    if shares.ndim != 1 or len(shares) < 2 or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"Expected at least two shares above 0 whose sum is 1, received: {shares.tolist()}.")
    units = _units(table, group, identical)
    if units.max(initial=-1) + 1 < len(shares):
        raise TableError(f"{table.source}: cannot split {units.max(initial=-1) + 1} groups into {len(shares)} parts.")
    sides = _stratify(units, _labels(table), shares, np.random.default_rng(seed))
    return [table.take(np.flatnonzero(sides[units] == side)) for side in range(len(shares))]


def _units(table: Table, group: str | Sequence | None, identical: bool) -> np.ndarray:
    """The id of the smallest set of rows that must stay together, for each row."""
    if isinstance(group, str):
        if group not in table.frame:
            names = ", ".join(map(str, table.frame))
            raise TableError(f"{table.source}: no column {group!r} to group by; the columns are: {names}.")
        group = table.frame[group]
    links = [np.arange(len(table))]
    if group is not None:
        codes = pd.factorize(np.asarray(group, dtype=object))[0]
        links.append(np.where(codes < 0, np.arange(len(table)) + len(table), codes))
    if identical:
        links.append(same_content(table.paths()))
    if len(links) == 1:
        return links[0]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.arange(len(table))
    offset, sources, targets = len(table), [], []
    for ids in links[1:]:
        ids = np.unique(ids, return_inverse=True)[1]
        sources.append(rows)
        targets.append(ids + offset)
        offset += len(table)
    edges = (np.ones(len(rows) * len(targets)), (np.concatenate(sources), np.concatenate(targets)))
    components = connected_components(coo_array(edges, shape=(offset, offset)), directed=False)[1][: len(table)]
    return np.unique(components, return_inverse=True)[1]


def _labels(table: Table) -> np.ndarray:
    """Ids of labels, different for every head and label, `-1` where missing: `(rows, columns)`."""
    columns, offset = [], 0
    for name, targets in table.labels().items():
        strata = table.heads[name].strata(targets)
        for column in strata.reshape(len(table), -1).T:
            columns.append(np.where(column >= 0, column + offset, -1))
            offset += int(column.max(initial=-1)) + 1
    return np.stack(columns, axis=-1)


def _stratify(units: np.ndarray, labels: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part of each unit."""
    rows, sizes = np.argsort(units, kind="stable"), np.bincount(units)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    # The number of rows is one more label that everybody has, so that the parts get their sizes too.
    counts = np.append(np.bincount(labels[labels >= 0], minlength=labels.max(initial=-1) + 1), len(units))
    rarity = np.where(labels >= 0, counts[labels], len(units)).min(axis=-1)
    rarest = np.minimum.reduceat(rarity[rows], starts[:-1])
    wanted = shares[:, None] * counts
    sides = np.empty(len(sizes), "int32")
    # Large units first, while there is room to make up for them; then the units with the rarest labels.
    for unit in np.lexsort((rng.random(len(sizes)), rarest, -sizes)):
        own = labels[rows[starts[unit] : starts[unit + 1]]]
        ids, number = np.unique(own[own >= 0], return_counts=True)
        ids, number = np.append(ids, len(counts) - 1), np.append(number, sizes[unit])
        need = (wanted[:, ids] / counts[ids] * number).sum(axis=-1)
        side = int(np.argmax(need + 1e-9 * rng.random(len(shares))))
        wanted[side, ids] -= number
        sides[unit] = side
    return sides
