"""Split a table by what is in its files, so that an image stays on its side for good."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from mtlzoo.data.splitting import check_fractions, group_ids, join
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import ImageError, TableError
from mtlzoo.images.source import ImageSource
from mtlzoo.system.cores import available_cores
from mtlzoo.system.deprecation import renamed_arguments


@renamed_arguments(shares="fractions")
def split_by_content(
    table: LabelTable, fractions: Sequence[float], group: str | Sequence[Any] | None = None
) -> list[LabelTable]:
    """Split a table into parts so that an image's part follows from the bytes of its file alone.

    Adding, removing, renaming or reordering files moves no other image, and the same files always make the same
    parts, as a test set needs. Identical images stay together, as they have one content. Sizes of the
    parts, and fractions of labels in them, are as near as chance has it; :func:`split` keeps both far better, but its
    parts change whenever the table does.

    The BLAKE2b hash of a file (16 bytes) gives a number from 0 to 1, its last eight bytes over 2⁶⁴, and the number the
    part: the first up to the first fraction, the second up to the sum of the first two, and so on. Rows that groups keep
    together follow the one of them whose hash is the smallest; a group then moves as a whole if that file comes or goes.

    The parts of a part cannot be made this way, as its numbers all lie in one interval: give all fractions at once, or
    split the part with :func:`split`.

    Args:
        table: What to split. Every file is read.
        fractions: The fractions of the parts, e.g. `[0.8, 0.2]`; above 0, their sum 1.
        group: The name of a column, or one value a row; rows with the same value stay together, rows without a value
            stand alone.

    Returns:
        One table a fraction, rows in their old order.

    Raises:
        ValueError: If the fractions are wrong, or there is not one group value a row.
        TableError: If a file cannot be read, a part gets no image, or there is no such group column.

    Example:

    ```python
    rest, test = mtl.data.split_by_content(table, [0.9, 0.1])
    train, valid = mtl.data.split(rest, [0.9, 0.1])
    ```
    """
    wanted = check_fractions(fractions)
    groups = group_ids(table, group)
    digests = file_digests(table)
    contents = {digest: content for content, digest in enumerate(sorted(set(digests)))}
    ranks = np.array([contents[digest] for digest in digests], "int64")
    units = join(groups, ranks, len(table))
    smallest = np.full(units.max(initial=-1) + 1, len(contents), "int64")
    np.minimum.at(smallest, units, ranks)
    # The first bytes settle which is the smallest and the last ones the part, or large groups would crowd into the first.
    numbers = np.array([int.from_bytes(digest[8:]) / 2**64 for digest in contents])
    sides = np.searchsorted(np.cumsum(wanted)[:-1], numbers[smallest[units]], side="right")
    parts = [table.take(np.flatnonzero(sides == side)) for side in range(len(wanted))]
    for part, fraction in zip(parts, wanted):
        if not len(part):
            raise TableError(
                f"{table.source}: of {len(contents)} different images none falls into the part of {fraction:g}. There are "
                "too few, or they are one part of such a split already: give all shares at once, or use `split`."
            )
    return parts


def file_digests(table: LabelTable) -> list[bytes]:
    """The BLAKE2b hash (16 bytes) of each row's file; files that have been read for a check are not read again.

    Raises:
        TableError: If a file cannot be read; it names the row.
    """
    paths = table.paths()
    distinct = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(available_cores()) as pool:
        known = dict(zip(distinct, pool.map(_digest, distinct), strict=True))
    digests = []
    for row, path in enumerate(paths):
        digest = known[path]
        if isinstance(digest, ImageError):
            raise TableError(f"{table.where(row)}: the file cannot be read: {digest.reason}.")
        digests.append(digest)
    return digests


def _digest(path: str) -> bytes | ImageError:
    try:
        return ImageSource(path).digest()
    except ImageError as error:
        return error
