"""Split a table so that nothing leaks and every label keeps its fraction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtlzoo.errors import TableError
from mtlzoo.images.checking import same_content
from mtlzoo.system.deprecation import renamed_arguments

if TYPE_CHECKING:
    from mtlzoo.data.table import LabelTable

# The first pass deals the units out, the second puts right what the first could not foresee; more change next to nothing.
PASSES = 2
# A unit with so many times its own rows still to come can rely on them to even things out.
SLACK = 10
# Beyond so many kinds of units most are dealt out blindly, in their fractions, which chance keeps well in such numbers; the
# largest units, which weigh most, and as many of the smallest, which even things out, are still dealt one by one.
MOST = 20_000
GOLDEN = (5**0.5 - 1) / 2
# A missing label weighs nothing; a label that every row has gives the parts their sizes.
MISSING, EVERY_ROW = 0, 1


@renamed_arguments(shares="fractions")
def split(
    table: LabelTable,
    fractions: Sequence[float],
    group: str | Sequence[Any] | None = None,
    seed: int = 0,
    identical: bool = True,
) -> list[LabelTable]:
    """Split a table into parts, such as training and validation.

    Every label of every head keeps its fraction in each part as nearly as may be, for many heads at once, over whole groups
    at a time. Rows of one group stay together, and so do byte-identical images: the same image on both sides
    would be a test on the training set.

    The sets of rows that stay together are dealt out one by one, the largest first, in random order otherwise, each to
    the part that lacks most of its labels; then each is taken back once and dealt again. What is kept small is the sum
    over parts and labels of (rows too many or too few)² / rows of the label, as in a chi-squared test. Iterative
    stratification (Sechidis, Tsoumakas and Vlahavas 2011) looks at the rarest label alone, which leaves the frequent
    ones of a table with many heads further off than chance would.

    Args:
        table: What to split.
        fractions: The fractions of the parts, e.g. `[0.8, 0.2]`; above 0, their sum 1.
        group: The name of a column, or one value a row; rows with the same value stay together, rows without a value
            stand alone.
        seed: The same seed splits the same way.
        identical: Whether to compare the files' contents; only files of the same size are read.

    Returns:
        One table a fraction, rows in their old order, none of them empty. Where the table has a split of its own, which is
        not looked at (:meth:`LabelTable.parts` does), their `notes` say so.

    Raises:
        ValueError: If the fractions are wrong, or there is not one group value a row.
        TableError: If there is no such group column, or fewer groups than parts.

    Example:

    ```python
    train, valid = mtl.data.split(table, [0.8, 0.2], group="sender_id")
    ```
    """
    wanted = check_fractions(fractions)
    groups = group_ids(table, group)
    units = join(groups, same_content(table.paths()) if identical else None, len(table))
    number = int(units.max(initial=-1)) + 1
    if number < len(wanted):
        what = "rows" if group is None and not identical else "groups of rows that stay together"
        raise TableError(f"{table.source}: cannot split {number} {what} into {len(wanted)} parts.")
    sides = _stratify(units, _labels(table), wanted, np.random.default_rng(seed))
    if table.split is not None:
        told = f"split by chance, whatever the column {table.split!r} says; table.parts() follows it"
        table = replace(table, notes=(*table.notes, told))
    return [table.take(np.flatnonzero(sides[units] == side)) for side in range(len(wanted))]


def check_fractions(fractions: Sequence[float]) -> np.ndarray:
    """The fractions of a split as float64.

    Raises:
        ValueError: If there are fewer than two, one is not above 0, or their sum is not 1.
    """
    try:
        given = np.asarray(fractions, "float64")
    except (TypeError, ValueError):
        raise ValueError(f"Expected at least two fractions above 0 whose sum is 1, received: {fractions!r}.") from None
    if given.ndim != 1 or len(given) < 2 or not (given > 0).all() or abs(given.sum() - 1) > 1e-6:
        raise ValueError(f"Expected at least two fractions above 0 whose sum is 1, received: {given.tolist()}.")
    return given


def group_ids(table: LabelTable, group: str | Sequence[Any] | None) -> np.ndarray | None:
    """The id of each row's group, rows without a value being groups of their own; `None` without groups.

    Raises:
        ValueError: If there is not one group value a row.
        TableError: If there is no such group column.
    """
    if group is None:
        return None
    if isinstance(group, str):
        if group not in table.frame:
            raise TableError(
                f"{table.source}: no column {group!r} to group by; the columns are: {', '.join(map(str, table.frame))}."
            )
        group = table.frame[group]
    if len(group) != len(table):
        raise ValueError(f"Expected one group value for each of {len(table)} rows, received: {len(group)}.")
    codes = pd.factorize(np.asarray(group, dtype=object))[0]
    return pd.factorize(np.where(codes < 0, np.arange(len(table)) + len(table), codes))[0]


def join(groups: np.ndarray | None, contents: np.ndarray | None, rows: int) -> np.ndarray:
    """The id of the smallest set of rows that must stay together, for each row, given ids of groups and of contents."""
    if groups is None or contents is None:
        known = contents if groups is None else groups
        return np.arange(rows) if known is None else pd.factorize(known)[0]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # Two rows belong together if a chain of shared groups and shared contents leads from one to the other.
    contents = pd.factorize(contents)[0]
    edges = coo_array((np.ones(rows), (groups, rows + contents)), shape=(2 * rows,) * 2)
    return pd.factorize(connected_components(edges, directed=False)[1][groups])[0]


def _labels(table: LabelTable) -> np.ndarray:
    """Ids of labels, different for every head and label: whole numbers `(rows, columns)`, the first column `EVERY_ROW`."""
    columns, offset = [np.full(len(table), EVERY_ROW, "int32")], EVERY_ROW + 1
    for name, targets in table.labels().items():
        strata = table.heads[name].strata(targets)
        for column in strata.reshape(len(table), -1).T:
            # As narrow as may be: there may be a million rows with a hundred heads.
            most = offset + int(column.max(initial=-1))
            columns.append(np.where(column >= 0, column + offset, MISSING).astype(np.min_scalar_type(-most)))
            offset = most + 1
    return np.stack(columns).T  # each column in one piece, as columns are what is counted


def _count(labels: np.ndarray, rows: np.ndarray | slice, length: int, times: np.ndarray | None = None) -> np.ndarray:
    """How often each label occurs in some rows, or in so many copies of them: float64 `(length,)`."""
    counts = np.zeros(length)
    for column in labels.T:
        counts += np.bincount(column[rows], times, length)
    return counts


def _stratify(units: np.ndarray, labels: np.ndarray, fractions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part of each unit."""
    rows, sizes = np.argsort(units, kind="stable"), np.bincount(units)
    starts = np.cumsum(sizes) - sizes
    counts = _count(labels, slice(None), int(labels.max(initial=EVERY_ROW)) + 1)
    weights = 1 / np.maximum(counts, 1)
    weights[MISSING] = 0
    # A row too many is to weigh as much as the labels it carries, or the sizes would be what gives way in wide tables.
    weights[EVERY_ROW] *= max(1.0, counts[EVERY_ROW + 1 :].sum() / len(labels))

    # Single rows with the same labels are dealt out together: a table with one label a row has a few dozen kinds.
    kinds = _kinds(labels, rows[starts], sizes)
    by_kind = np.lexsort((rng.random(len(sizes)), kinds))
    numbers = np.bincount(kinds)
    examples = by_kind[np.cumsum(numbers) - numbers]
    sizes_of_kinds, starts_of_kinds = sizes[examples], starts[examples]

    # Many of a kind start with their fractions; one of a kind is not given yet.
    given = np.floor(numbers[:, None] * fractions).astype("int64") * (numbers > 1)[:, None]
    lacking = fractions[:, None] * counts
    undealt = counts.astype("float64")
    noise = 1e-9 * rng.random(given.shape)  # ties are settled by chance
    order = np.lexsort((rng.random(len(numbers)), -sizes_of_kinds))
    blind = order[:0]
    if len(order) > MOST:
        blind, order = order[MOST // 2 : -(MOST // 2)], np.concatenate([order[: MOST // 2], order[-(MOST // 2) :]])
        # Multiples of the golden ratio round up and down as evenly as may be, among the large as among the small.
        rounding = (np.arange(len(blind)) * GOLDEN + rng.random()) % 1
        ends = np.floor(numbers[blind, None] * np.cumsum(fractions)[:-1] + rounding[:, None]).astype("int64")
        given[blind] = np.diff(ends, prepend=0, append=numbers[blind, None])
    for part in range(len(fractions)):
        many = np.flatnonzero((given[:, part] > 0) & (sizes_of_kinds == 1))
        dealt = _count(labels, rows[starts_of_kinds[many]], len(counts), given[many, part])
        large = blind[(sizes_of_kinds[blind] > 1) & (given[blind, part] > 0)]
        inside = np.repeat(starts_of_kinds[large], sizes_of_kinds[large]) + _counting(sizes_of_kinds[large])
        dealt += _count(labels, rows[inside], len(counts))
        lacking[part] -= dealt
        undealt -= dealt
    lacking *= weights

    single = np.ones(labels.shape[1])
    for _ in range(PASSES):
        for kind in order:
            start, size, number, own = starts_of_kinds[kind], sizes_of_kinds[kind], numbers[kind], given[kind]
            ids, times = labels[rows[start]].astype("int64"), single
            if size > 1:
                ids, counted = np.unique(labels[rows[start : start + size]], return_counts=True)
                times = counted.astype("float64")
            weight = weights[ids] * times
            cost = weight @ times
            need = lacking.take(ids, axis=1) @ times + cost * own + noise[kind]
            left = undealt[EVERY_ROW]
            if left > 0:
                undealt[ids] -= times * (number - own.sum())
                # What is still to come will mostly keep the fractions, unless it is little beside this unit.
                need -= max(0.0, 1 - SLACK * size / left) * (weight @ undealt[ids]) * fractions
            dealt = _deal(need, cost, number)
            for changed in np.flatnonzero(dealt != own):
                lacking[changed, ids] -= weight * (dealt[changed] - own[changed])
            given[kind] = dealt

    sides = np.empty(len(sizes), "int64")
    sides[by_kind] = np.repeat(np.tile(np.arange(len(fractions)), len(numbers)), given.ravel())
    return _leave_none_empty(sides, sizes, len(fractions))


def _counting(sizes: np.ndarray) -> np.ndarray:
    """0, 1, ... up to each of the sizes, one after the other."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _kinds(labels: np.ndarray, first_rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The kind of each unit: single rows with the same labels are of one kind, larger units each of their own."""
    # Each label has a random number, and each row the sum of its labels': with 64 bits no two sums are equal by chance.
    numbers = np.random.default_rng(0).integers(2**64, size=int(labels.max(initial=0)) + 1, dtype="uint64")
    sums = np.zeros(len(sizes), "uint64")
    for column in labels.T:
        sums += numbers[column[first_rows]]
    kinds = pd.factorize(sums)[0]
    return pd.factorize(np.where(sizes > 1, np.arange(len(sizes)) + len(sizes), kinds))[0]


def _deal(need: np.ndarray, cost: float, number: int) -> np.ndarray:
    """How many of so many like units each part gets, if each goes to the part in most need, which sinks by the cost."""
    given = np.zeros(len(need), "int64")
    if number == 1:
        given[need.argmax()] = 1
        return given
    if number > len(need):
        # Like water: the parts in most need sink to one level. What is left of rounding follows one by one.
        highest = np.sort(need)[::-1]
        levels = (np.cumsum(highest) - number * cost) / np.arange(1, len(need) + 1)
        level = levels[np.flatnonzero(highest > levels)[-1]]
        given = np.floor(np.maximum(need - level, 0) / cost).astype("int64")
    for _ in range(number - int(given.sum())):
        given[np.argmax(need - given * cost)] += 1
    return given


def _leave_none_empty(sides: np.ndarray, sizes: np.ndarray, parts: int) -> np.ndarray:
    """A part that got nothing of a small table takes the smallest unit of the part with most units."""
    for side in range(parts):
        numbers = np.bincount(sides, minlength=parts)
        if not numbers[side]:
            candidates = np.flatnonzero(sides == numbers.argmax())
            sides[candidates[sizes[candidates].argmin()]] = side
    return sides
