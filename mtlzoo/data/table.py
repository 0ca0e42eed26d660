"""A table of pictures with labels, most of which may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads import Head, LabelError, get_heads

IMAGE = "image"


class TableError(ValueError):
    """A label file that cannot be used as it is; the message names the file, the row and what to do."""


@dataclass(frozen=True)
class Table:
    """Pictures, their labels, and the heads that read them.

    Attributes:
        frame: One row a picture: the column `image` (a path, relative to `root` or absolute), one column a head with
            labels as a person writes them, empty where missing, and whatever other columns the source has.
        heads: The heads by name.
        root: The folder that relative paths start from.
        source: What the rows were read from, as messages call it.
        first_line: The line of the source that holds the row with index 0; `None` if the source has no lines.
    """

    frame: pd.DataFrame
    heads: dict[str, Head]
    root: Path = Path(".")
    source: str = "table"
    first_line: int | None = None
    _encoded: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "heads", get_heads(self.heads) if self.heads else {})
        if IMAGE not in self.frame:
            raise TableError(
                f"{self.source}: expected a column {IMAGE!r}, received: {', '.join(map(str, self.frame))}."
            )
        lacking = [name for name in self.heads if name not in self.frame]
        if lacking:
            raise TableError(
                f"{self.source}: no column for the head {lacking[0]!r}; the columns are: {', '.join(map(str, self.frame))}."
            )

    @classmethod
    def of_images(cls, paths: Sequence[str | Path], source: str = "images") -> Table:
        """Pictures without labels."""
        return cls(pd.DataFrame({IMAGE: [str(path) for path in paths]}), {}, source=source)

    def __len__(self) -> int:
        return len(self.frame)

    def paths(self) -> list[str]:
        """Where each row's picture lies."""
        root = str(self.root)
        return [str(Path(root, image)) for image in self.frame[IMAGE]]

    def labels(self) -> dict[str, np.ndarray]:
        """Encoded targets by head, rows on the first axis.

        Raises:
            TableError: If a label is none that its head knows; it names the row.
        """
        for name, head in self.heads.items():
            if name not in self._encoded:
                try:
                    self._encoded[name] = head.encode(self.frame[name])
                except LabelError as error:
                    raise TableError(f"{self.where(error.row)}: head {name!r}: {error.reason}.") from None
        return dict(self._encoded)

    def labelled(self) -> pd.DataFrame:
        """Which rows are labelled for which head: bool, one column a head."""
        return pd.DataFrame({name: self.heads[name].labelled(targets) for name, targets in self.labels().items()})

    def take(self, rows: Sequence[int] | np.ndarray) -> Table:
        """The table of some rows, by position. Its heads are copies, which know nothing of the other rows' labels."""
        rows = np.asarray(rows)
        heads = {name: type(head).from_config(head.get_config()) for name, head in self.heads.items()}
        encoded = {name: targets[rows] for name, targets in self._encoded.items()}
        return replace(self, frame=self.frame.iloc[rows], heads=heads, _encoded=encoded)

    def with_heads(self, heads: Mapping[str, Head | int]) -> Table:
        """The same rows read by other heads, such as those of a model that is to be evaluated."""
        return replace(self, heads=dict(heads), _encoded={})

    def where(self, row: int) -> str:
        """How a message names the row at a position: the source, the line and the picture."""
        image = self.frame[IMAGE].iloc[row]
        if self.first_line is None:
            return f"{self.source}, {image}"
        return f"{self.source}, line {int(self.frame.index[row]) + self.first_line} ({image})"

    def check(self) -> None:
        """Refuse a table from which some head could learn nothing.

        Raises:
            TableError: If the table has no rows, or a head has no label at all or the same label everywhere.
        """
        if not len(self):
            raise TableError(f"{self.source}: no rows.")
        for name, targets in self.labels().items():
            known = targets[self.heads[name].labelled(targets)]
            if not len(known):
                raise TableError(f"{self.source}: head {name!r} has no label in any of {len(self)} rows; leave it out.")
            if len(known) > 1 and np.array_equal(known, np.broadcast_to(known[:1], known.shape), equal_nan=True):
                label: Any = self.frame[name].iloc[int(np.argmax(self.heads[name].labelled(targets)))]
                raise TableError(
                    f"{self.source}: head {name!r} has one label only, {label!r}, in {len(known)} rows: nothing to learn; "
                    "leave it out."
                )
