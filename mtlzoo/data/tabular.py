"""Plain tables: one column a head, or one row a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mtlzoo.data.inference import infer_head
from mtlzoo.data.table import IMAGE, Table, TableError
from mtlzoo.heads import Head

LONG = ("head", "label")


def read_csv(
    path: str | Path,
    heads: Mapping[str, Head | int | str | None] | Sequence[str] | None = None,
    *,
    image: str = IMAGE,
    root: str | Path | None = None,
    group: str | None = None,
    ignore: Sequence[str] = (),
) -> Table:
    """Read a table of images and labels.

    Two layouts are known. *Wide*: a column of images and one column a head, empty where a label is missing. *Long*: the
    columns `image`, `head` and `label`, one row a label.

    Args:
        path: The file; comma-separated with a header, UTF-8. For a folder, its `labels.csv`.
        heads: The heads by name, where a value may also be a kind of head (`"ordinal"`) or `None` for a guess; or names
            of columns, whose kinds are guessed by :func:`infer_head`; or `None` for all columns but the image's, the
            group's and the ignored ones.
        image: The name of the column of images, paths relative to `root`.
        root: Where relative paths start; the file's own folder by default.
        group: A column that is no head but says which rows belong together, for :func:`split`.
        ignore: Other columns that are no heads.

    Returns:
        A table. Columns that are no heads stay in its frame.

    Raises:
        FileNotFoundError: If there is no such file.
        TableError: If columns are missing, heads unknown, or a label cannot be read.

    Example:

    ```python
    table = mtl.data.read_csv("labels.csv", heads=["garment", "kids"], group="sender_id")
    ```
    """
    path = Path(path)
    if path.is_dir():
        path = path / "labels.csv"
    if not path.is_file():
        raise FileNotFoundError(f"No such label file: {path}.")
    frame = _read(path)
    wanted = [image, *([group] if group else []), *ignore]
    lacking = [column for column in wanted if column not in frame]
    if lacking:
        raise TableError(f"{path.name}: no column {lacking[0]!r}; the columns are: {', '.join(frame)}.")
    frame = frame.rename(columns={image: IMAGE})
    empty = frame[IMAGE].isna()
    if empty.any():
        raise TableError(f"{path.name}, line {int(empty.to_numpy().argmax()) + 2}: the image is empty.")
    if all(column in frame for column in LONG):
        frame, first_line = _pivot(frame, path.name, group), None
    else:
        first_line = 2
    names = list(heads) if heads is not None else [name for name in frame if name not in {IMAGE, group, *ignore}]
    unknown = [name for name in names if name not in frame]
    if unknown:
        raise TableError(f"{path.name}: unknown head {unknown[0]!r}; the columns are: {', '.join(frame)}.")
    if not names:
        raise TableError(f"{path.name}: no column of labels beside {', '.join(frame)}.")
    given = heads if isinstance(heads, Mapping) else dict.fromkeys(names)
    read = {name: _head(head, frame[name], f"{path.name}: head {name!r}") for name, head in given.items()}
    root = path.parent if root is None else Path(root)
    return Table(frame, read, root=root, source=path.name, first_line=first_line)


def _read(path: Path) -> pd.DataFrame:
    try:
        # Only the empty cell is missing: "NA" or "None" may well be somebody's class.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(
            f"{path.name}: not a comma-separated table with a header: {' '.join(str(error).split())}"
        ) from None
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame


def _pivot(frame: pd.DataFrame, source: str, group: str | None) -> pd.DataFrame:
    """One row an image from one row a label."""
    keys = [IMAGE, *([group] if group else [])]
    labels = frame.dropna(subset=["head", "label"])
    differing = labels.groupby([IMAGE, "head"])["label"].nunique() > 1
    if differing.any():
        image, head = differing.idxmax()
        lines = [str(row + 2) for row in labels.index[(labels[IMAGE] == image) & (labels["head"] == head)]]
        raise TableError(f"{source}, lines {', '.join(lines)}: {image} has different labels for the head {head!r}.")
    wide = labels.drop_duplicates([IMAGE, "head"]).pivot(index=IMAGE, columns="head", values="label")
    images = frame[keys].drop_duplicates(IMAGE)
    return images.merge(wide.reset_index(), on=IMAGE, how="left").rename_axis(columns=None)


def _head(given: Head | int | str | None, column: pd.Series, where: str) -> Head | int:
    """The head as given, or one that is guessed from the column or made for it by the name of its kind."""
    if given is not None and not isinstance(given, str):
        return given
    try:
        return infer_head(column, kind=given)
    except ValueError as error:
        raise TableError(f"{where}: {error}.") from None
