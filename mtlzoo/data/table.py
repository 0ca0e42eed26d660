"""A table of images with labels, most of which may be missing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.cells import short
from mtlzoo.data.columns import IMAGE, REGION
from mtlzoo.data.conditions import with_conditions
from mtlzoo.data.describing import describe_table
from mtlzoo.data.dialects import columns_of
from mtlzoo.data.encoding import EncodedColumns
from mtlzoo.data.parts import part, split_parts
from mtlzoo.errors import LabelError, TableError
from mtlzoo.heads import Head, get_heads
from mtlzoo.heads.conditions import without_inapplicable


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Images, their labels, and the heads that read them.

    Attributes:
        frame: One row an image: the column `image` (a path, relative to `root` or absolute), one column a head with
            labels as they are written, empty where missing, and all other columns of the source.
        heads: The heads by name.
        root: The folder that relative paths start from.
        source: What the rows were read from, as messages call it.
        first_line: The line of the source that holds the row with index 0; `None` if the source has no lines.
        notes: What is odd about the source and does not keep it from being used, a line each.
        remarks: For each head what its column was taken for and why, as its reader decided it; see :meth:`describe`.
        literal: Heads in whose columns nothing but an empty cell is missing, not even `NA`.
        stored: Where each row's image lies, relative to the root, if not at its path. See `mtlzoo.images.records`.
        split: The column that says which part each row belongs to, for :meth:`parts`; `None` if there is none.

    Raises:
        TableError: If there is no column of images, none for some head or for the parts, or two columns share a name.

    Example:

    ```python
    frame = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "kids": ["yes", None]})
    table = mtl.data.LabelTable(frame, {"kids": mtl.BinaryHead()}, root="images")
    table.labels()  # {"kids": [1.0, -1.0]}
    ```
    """

    frame: pd.DataFrame
    heads: Mapping[str, Head]
    root: Path = Path(".")
    source: str = "table"
    first_line: int | None = None
    notes: tuple[str, ...] = ()
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    literal: frozenset[str] = frozenset()
    stored: np.ndarray | None = field(default=None, repr=False)
    split: str | None = None
    _encoded: EncodedColumns = field(default=None, repr=False)  # type: ignore[assignment] # made of the frame

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", get_heads(self.heads) if self.heads else {})
        object.__setattr__(self, "root", Path(self.root))
        if self._encoded is None or self._encoded.frame is not self.frame:
            object.__setattr__(self, "_encoded", EncodedColumns(self.frame))
        columns = f"the columns are: {columns_of(list(self.frame))}"
        twice = self.frame.columns[self.frame.columns.duplicated()]
        if len(twice):
            raise TableError(f"{self.source}: more than one column is called {twice[0]!r}; {columns}.")
        if IMAGE not in self.frame:
            raise TableError(f"{self.source}: no column {IMAGE!r}; {columns}.")
        for name in self.heads:
            if name == IMAGE:
                raise TableError(f"{self.source}: a head cannot be called {IMAGE!r}, as the column of paths is.")
            if name not in self.frame:
                raise TableError(f"{self.source}: no column for the head {name!r}; {columns}.")
        if self.split is not None and self.split not in self.frame:
            raise TableError(f"{self.source}: no column {self.split!r} of parts; {columns}.")

    @classmethod
    def of_images(cls, paths: Sequence[str | Path], source: str = "images") -> LabelTable:
        """Images without labels."""
        return cls(pd.DataFrame({IMAGE: [str(path) for path in paths]}), {}, source=source)

    def __len__(self) -> int:
        return len(self.frame)

    def paths(self) -> list[str]:
        """Where each row's image lies."""
        root = "" if self.root == Path(".") else os.fspath(self.root)
        images = self.frame[IMAGE].tolist() if self.stored is None else list(self.stored)
        joined = {image: os.path.join(root, image) for image in set(images)}  # once, however many rows show an image
        return [joined[image] for image in images]

    def regions(self) -> list[tuple[float, float, float, float] | None] | None:
        """The part of each image that is shown, `(x_min, y_min, x_max, y_max)` in pixels; `None` for the whole."""
        if REGION not in self.frame or REGION in self.heads or self.frame[REGION].dtype != object:
            return None
        cells = list(self.frame[REGION])
        return cells if any(isinstance(cell, list | tuple | np.ndarray) for cell in cells) else None

    def labels(self, all_written: bool = False) -> dict[str, np.ndarray]:
        """Encoded targets by head, rows on the first axis.

        Args:
            all_written: Whether to give labels too that the label of another head rules out (`only_if=`); they are missing
                otherwise.

        Raises:
            TableError: If a label is invalid for its head; it names the row.
        """
        labels = {}
        for name, head in self.heads.items():
            try:
                labels[name] = self._encoded.get(name, head, literal=name in self.literal)
            except LabelError as error:
                raise TableError(f"{self.where(error.row)}: head {name!r}: {error.reason}.") from None
        return labels if all_written else without_inapplicable(self.heads, labels)

    def labelled(self) -> pd.DataFrame:
        """Which rows are labelled for which head: bool, one column a head."""
        return pd.DataFrame({name: self.heads[name].labelled(targets) for name, targets in self.labels().items()})

    def take(self, rows: Sequence[int] | np.ndarray) -> LabelTable:
        """The table of some rows, by position. They keep their lines of the source."""
        rows = np.asarray(rows)
        if rows.dtype != bool:
            rows = rows.astype("int64")  # an empty list comes as floats
        frame = self.frame.iloc[rows]
        stored = None if self.stored is None else self.stored[rows]
        return replace(self, frame=frame, remarks={}, stored=stored, _encoded=self._encoded.take(rows, frame))

    def parts(
        self,
        valid: float = 0.1,
        test: float = 0.1,
        *,
        rest: str | None = None,
        group: str | Sequence[Any] | None = None,
        seed: int = 0,
    ) -> tuple[LabelTable, LabelTable, LabelTable]:
        """The rows to train on, to choose the best epoch by, and for the report, as the source's own split has them.

        `val`, `validation` and `dev` mean valid, `training` and `testing` likewise, in any case; 0, 1 and 2 mean train,
        valid and test. What was done is told in the `notes` of the three.

        Args:
            valid: The fraction of the training rows that become validation rows if the split has none.
            test: Likewise for the test.
            rest: The part of rows that have none, such as `"train"`; they are left out by default.
            group: For rows that are split off, as in :func:`mtlzoo.data.split`.
            seed: Likewise.

        Returns:
            Three tables, none of them empty, rows in their old order.

        Raises:
            TableError: If there is no column of parts (`split`), a cell of it is no part, or no row is to be trained on.

        Example:

        ```python
        train, valid, test = mtl.data.read_csv("labels.csv").parts()
        ```
        """
        return split_parts(self, valid, test, rest, group, seed)

    def part(self, name: str) -> LabelTable:
        """The rows of one part of the source's own split, `"train"`, `"valid"` or `"test"`.

        Raises:
            TableError: If there is no column of parts (`split`), a cell of it is no part, or there is no such row.
        """
        return part(self, name)

    def with_heads(self, heads: Mapping[str, Head | int]) -> LabelTable:
        """The same rows read by other heads, each of which has a column."""
        remarks = {name: told for name, told in self.remarks.items() if name in heads}
        return replace(self, heads=get_heads(heads) if heads else {}, remarks=remarks)

    def with_conditions(self, conditions: Mapping[str, Mapping[str, list[str]]] | None = None) -> LabelTable:
        """The same rows, some heads of which are asked only where other heads have certain labels.

        Args:
            conditions: `only_if` by the name of the head, see :class:`mtlzoo.heads.Head`; by default what the labels
                suggest, see :func:`mtlzoo.data.find_conditions` and what :meth:`describe` says.

        Raises:
            ValueError: If there is no such head, parent or class.

        Example:

        ```python
        frame = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "item": ["pear", "milk"], "fat": [None, 1.5]})
        heads = {"item": mtl.ClassificationHead(["milk", "pear"]), "fat": mtl.RegressionHead()}
        table = mtl.data.LabelTable(frame, heads).with_conditions({"fat": {"item": ["milk"]}})
        ```
        """
        return with_conditions(self, conditions)

    def for_heads(self, heads: Mapping[str, Head]) -> LabelTable:
        """The same rows read by a model's heads, as far as the table has columns for them.

        Classes are then in the model's order, whatever the order in the table's own heads. Classes without names, as in
        `{"coat_length": 8}`, are those of the table's own head, if it has as many.

        Raises:
            TableError: If there is a column for none of the heads.
        """
        known = {name: head for name, head in heads.items() if name in self.frame and name != IMAGE}
        if not known:
            raise TableError(
                f"{self.source}: no column for any of the heads {', '.join(heads)}; the columns are: "
                f"{columns_of(list(self.frame))}."
            )
        for name, head in known.items():
            own = self.heads.get(name)
            unnamed = isinstance(getattr(head, "classes", None), int)
            if own is not None and unnamed and type(own) is type(head) and _class_count(own) == _class_count(head):
                known[name] = own
        return self.with_heads(known)

    def where(self, row: int) -> str:
        """How a message names the row at a position: the source, the line and the image."""
        image = short(str(self.frame[IMAGE].iloc[row]), 200)
        if self.first_line is None or self.frame.index[row] < 0:
            return f"{self.source}, {image}"
        return f"{self.source}, line {int(self.frame.index[row]) + self.first_line} ({image})"

    def describe(self) -> str:
        """What each head's column was taken for, and why: one line a head.

        Example:

        ```python
        print(table.describe())  # kids: binary, 23,708 labelled, no, yes; two different labels; 12 cells "NA" are missing
        ```
        """
        return describe_table(self)

    def check(self) -> None:
        """Refuse a table from which some head could learn nothing.

        Raises:
            TableError: If the table has no rows, or a head has no label at all or the same label everywhere.
        """
        if not len(self):
            raise TableError(f"{self.source}: no rows.")
        for name, targets in self.labels().items():
            labelled = np.flatnonzero(self.heads[name].labelled(targets))
            if not len(labelled):
                raise TableError(f"{self.source}: head {name!r} has no label in any of {len(self)} rows; leave it out.")
            first, known = targets[labelled[:1]], targets[labelled]
            if np.array_equal(known, np.broadcast_to(first, known.shape), equal_nan=True):
                label = self.frame[name].iloc[[labelled[0]]].tolist()[0]
                raise TableError(
                    f"{self.source}: head {name!r} has one label only, {label!r}, in {len(labelled)} rows: nothing to "
                    "learn; leave it out."
                )


def _class_count(head: Head) -> int:
    return len(getattr(head, "names", ()))
