"""Tables with one row a label: when a table is one, and how it becomes one row an image."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mtlzoo.data.cells import short
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.encoding import encode_column
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import LabelError, TableError

LONG = ("head", "label")
LAYOUTS = ("wide", "long")


def is_long(
    frame: pd.DataFrame, layout: str | None, heads: Sequence[str] | None, others: Sequence[str], source: str
) -> bool:
    """Whether a table has one row a label.

    Args:
        frame: The rows as read.
        layout: What was told, `"wide"`, `"long"` or `None`.
        heads: The names of heads that are asked for; `None` for all.
        others: Columns, or heads of the long layout, that are no heads.
        source: What messages call the file.

    Returns:
        What was told; else `True` only beyond doubt: where the heads that are asked for are values of the column `head`
        and no columns, or images come back with other values of `head` while no other column differs between them.

    Raises:
        TableError: If the layout is unknown or lacks a column, or the table may be either.
    """
    if layout not in (None, *LAYOUTS):
        raise TableError(f"{source}: expected the layout to be 'wide' or 'long', received: {layout!r}.")
    there = set(LONG) <= set(frame)
    if layout == "long" and not there:
        missing = next(name for name in LONG if name not in frame)
        raise TableError(f"{source}: the long layout has columns 'image', 'head' and 'label'; there is no {missing!r}.")
    if layout is not None or not there:
        return layout == "long"
    values = set(frame["head"].dropna().unique())
    found = [name for name in heads or () if name in frame or name in values]
    if heads and not found:
        return True  # So that the message lists the heads that there are.
    if found:
        columns, rows = (all(name in known for name in found) for known in (set(frame), values))
        if columns != rows:
            return rows
    elif any(name in frame and name not in values for name in others if name in LONG):
        return False
    rest = [name for name in frame if name not in (IMAGE, *LONG, *others)]
    images = frame.groupby(IMAGE, observed=True)
    if images["head"].nunique().max() > 1 and all(images[name].nunique().max() <= 1 for name in rest):
        return True
    raise TableError(
        f"{source}: columns {LONG[0]!r} and {LONG[1]!r} may be heads of their own, or hold one label a row; "
        'say layout="wide" or layout="long" (--layout).'
    )


def pivot(frame: pd.DataFrame, source: str, others: Sequence[str | None]) -> pd.DataFrame:
    """One row an image from one row a label; the others are columns of images, of which some may be `None`."""
    columns = [name for name in others if name is not None]
    rows = frame.astype({"head": object, "label": object})
    homeless = rows.index[rows["head"].isna() & rows["label"].notna()]
    if len(homeless):
        raise TableError(f"{source}, line {homeless[0] + 2}: a label without the name of its head.")
    taken = rows.index[rows["head"].isin([IMAGE, *columns])]
    if len(taken):
        name = rows["head"][taken[0]]
        raise TableError(f"{source}, line {taken[0] + 2}: a head cannot be called {name!r}, as another column is.")
    labels = rows.dropna(subset=["head", "label"])
    _check_same(labels, [IMAGE, "head"], "label", source)
    wide = labels.drop_duplicates([IMAGE, "head"]).pivot(index=IMAGE, columns="head", values="label")
    images = rows[[IMAGE]].drop_duplicates(ignore_index=True)
    for name in columns:
        told = rows.dropna(subset=[name])
        _check_same(told, [IMAGE], name, source)
        images = images.merge(told[[IMAGE, name]].drop_duplicates(IMAGE), on=IMAGE, how="left")
    return images.merge(wide.astype("category").reset_index(), on=IMAGE, how="left").rename_axis(columns=None)


def check_labels(rows: pd.DataFrame, table: LabelTable) -> None:
    """Refuse the first invalid label of a long table, whose rows have no line of their own, with the line that it is on.

    Raises:
        TableError: If a label is invalid; it names the line.
    """
    try:
        table.labels()
        return
    except TableError:
        pass  # each label is now read on its line
    images = pd.Index(table.frame[IMAGE])
    for name, head in table.heads.items():
        own = rows[(rows["head"] == name) & rows["label"].notna()]
        cells = table.frame[name].iloc[images.get_indexer(own[IMAGE])]
        try:
            encode_column(head, cells, literal=name in table.literal)
        except LabelError as error:
            line, image = own.index[error.row] + 2, own[IMAGE].iloc[error.row]
            raise TableError(f"{table.source}, line {line} ({short(image)}): head {name!r}: {error.reason}.") from None


def _check_same(rows: pd.DataFrame, keys: list[str], column: str, source: str) -> None:
    differing = rows.groupby(keys)[column].transform("nunique") > 1
    if differing.any():
        first = rows[differing].iloc[0]
        lines = rows.index[(rows[keys] == first[keys]).all(axis=1)] + 2
        what = f"the head {first['head']!r}" if "head" in keys else f"the column {column!r}"
        values = [repr(short(str(value))) for value in rows[column][lines - 2].unique()[:5]]
        raise TableError(
            f"{source}, lines {', '.join(map(str, lines))}: {first[IMAGE]} has different values for {what}: "
            f"{', '.join(values)}."
        )
