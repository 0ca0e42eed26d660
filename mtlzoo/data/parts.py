"""A published split: the part that each row belongs to, as people write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtlzoo.data.markers import MARKERS
from mtlzoo.data.markers import WORDS as SAID
from mtlzoo.data.notes import count
from mtlzoo.errors import InputError, TableError
from mtlzoo.heads.texts import label_text, shorten

if TYPE_CHECKING:
    from mtlzoo.data.table import LabelTable

PARTS = ("train", "valid", "test")
WORDS = {
    **dict.fromkeys(["train", "training"], "train"),
    **dict.fromkeys(["valid", "val", "validation", "validate", "dev", "development"], "valid"),
    **dict.fromkeys(["test", "testing"], "test"),
}
# As CelebA writes them; taken only where a column was said to hold parts.
NUMBERS = {"0": "train", "1": "valid", "2": "test"}
# Columns with these names say parts even if every row is in the same one.
NAMES = ("split", "splits", "set", "part", "subset", "partition")
# What folders have beside such a word: train_set, train2017, seg_train.
BESIDE = {"set", "data", "dataset", "images", "imgs", "img", "seg", ""}


def part_of(word: Any) -> str | None:
    """The part that a word means, `None` if it means none."""
    return WORDS.get(str(word).strip().casefold())


def part_in(name: str) -> str | None:
    """The part that the name of a folder means, alone or with a year or a word such as `set` beside it."""
    parts = {part_of(word) for word in re.split(r"[\W\d_]+", name) if word.casefold() not in BESIDE}
    return parts.pop() if len(parts) == 1 else None


def parts_of(column: pd.Series) -> np.ndarray:
    """The part of each row, `None` where the cell is empty.

    Raises:
        ValueError: If a cell is no part; it names those that are none.
    """
    codes, cells = pd.factorize(column.astype(object))
    texts = [label_text(cell).strip() for cell in cells]
    parts = [part_of(text) or NUMBERS.get(text.removesuffix(".0")) for text in texts]
    unknown = [text for text, part in zip(texts, parts) if part is None and not _says_nothing(text)]
    if unknown:
        raise ValueError(f"expected train, valid (or val, validation, dev) and test, received {shorten(unknown, 5)}")
    return np.array([*parts, None], dtype=object)[codes]


def find_split(
    frame: pd.DataFrame, told: str | None, named: Iterable[str] | None, others: Iterable[str | None], source: str
) -> str | None:
    """The column that says each row's part.

    Args:
        frame: The table's columns.
        told: The column that was named, if one was.
        named: Columns that were named as heads; `None` if all that are nothing else will be heads.
        others: Columns that are something else.
        source: For messages.

    Returns:
        The column's name; of columns that were not told one whose labels all are words for parts, and that is called as
        such columns are or says at least two different ones; `None` if there is none.

    Raises:
        TableError: If the told column does not exist or has other values, or if a column would become a head although it
            says parts: several do, or one that is called `split` has other words beside them.
    """
    if told is not None:
        if told not in frame:
            raise TableError(f"{source}: no column {told!r} of parts; the columns are: {', '.join(map(str, frame))}.")
        _check_told(frame[told], f"{source}: column {told!r}")
        return told
    kept, found = {*(named or ()), *others}, []
    for name in frame:
        if name in kept:
            continue
        words = _few_words(frame[name])
        parts = {part_of(word) for word in words}
        usual = str(name).casefold() in NAMES
        if parts and None not in parts and (usual or len(parts) > 1):
            found.append(name)
        elif named is None and usual and parts - {None}:
            wrong = shorten([word for word in words if part_of(word) is None], 5)
            raise TableError(
                f"{source}: column {name!r} says train, valid or test in some rows and {wrong} in others: write one of the "
                f"three there or nothing, name it among the heads if it is one, or ignore it (ignore=[{name!r}])."
            )
        elif (
            named is None and usual and len(words) > 1 and {word.removesuffix(".0") for word in words} <= NUMBERS.keys()
        ):
            raise TableError(
                f"{source}: column {name!r} holds {shorten(words)}, which may say train, valid and test: name it "
                f"(split_column={name!r}, --split-column) if it does, among the heads if it is one, or ignore it "
                f"(ignore=[{name!r}])."
            )
    if len(found) > 1 and named is None:
        raise TableError(
            f"{source}: the columns {', '.join(map(repr, found))} all say train, valid or test: name one "
            f"(split_column={found[0]!r}, --split-column) and ignore the others (ignore=[...], --ignore)."
        )
    return found[0] if len(found) == 1 else None


def look_like_parts(column: pd.Series) -> str | None:
    """A note on a head of which a label is a word for a part."""
    words = _few_words(column)
    told = [word for word in words if part_of(word) == "train"]
    if not told or len(words) > 4:
        return None
    return (
        f"{told[0]!r} is read as a label; if the column says the parts, write train, valid and test there, or ignore it"
    )


def _few_words(column: pd.Series) -> list[str]:
    """The different cells of a column, none if there are more than words for parts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = column.cat.categories
    elif pd.api.types.is_numeric_dtype(column.dtype):
        return []
    else:
        words = column.dropna().map(str).unique()
    return [str(word) for word in words if not _says_nothing(str(word))] if len(words) <= 3 * len(WORDS) else []


def _says_nothing(text: str) -> bool:
    return not text.strip() or text.strip() in MARKERS | SAID


def _check_told(column: pd.Series, where: str) -> None:
    try:
        known = set(parts_of(column)) - {None}
    except ValueError as error:
        raise TableError(f"{where}: {error}.") from None
    if not known:
        raise TableError(f"{where}: no row says its part.")
    numbered = any(part_of(cell) is None for cell in column.dropna().unique() if not _says_nothing(str(cell)))
    if numbered and known != set(PARTS):
        raise TableError(
            f"{where}: 0, 1 and 2 mean train, valid and test, but some of them do not occur, so that it is not clear what "
            "the others mean: write train, valid and test there."
        )


def with_split(table: LabelTable, column: str) -> LabelTable:
    """The table with another column of parts, which is no head then.

    Raises:
        TableError: If there is no such column, or a cell of it is no part.
    """
    find_split(table.frame, column, None, (), table.source)
    heads = {name: head for name, head in table.heads.items() if name != column}
    return replace(table, split=column, heads=heads)


def split_note(table: LabelTable) -> str:
    """What was found in the column of parts, and how it is used."""
    column, parts = table.frame[table.split], parts_of(table.frame[table.split])
    words = dict(zip(column.astype(object), parts))
    listed = ", ".join(
        f"{count(int((column == word).sum()), 'row')} {word}" + (f" ({part})" if word != part else "")
        for word, part in sorted(words.items(), key=lambda entry: PARTS.index(entry[1]) if entry[1] else 3)
        if part is not None
    )
    without = int(pd.isna(parts).sum())
    if without:
        listed += f"; {count(without, 'row')} without a part"
    return f"column {table.split!r} says the parts (name it among the heads if it is one): {listed}"


def part(table: LabelTable, name: str) -> LabelTable:
    """See :meth:`LabelTable.part`."""
    if name not in PARTS and part_of(name) is None:
        raise InputError(f"Expected a part to be one of {', '.join(PARTS)}, received: {name!r}.")
    wanted, parts = part_of(name), _parts(table)
    rows = np.flatnonzero(parts == wanted)
    if not len(rows):
        present = ", ".join(published_parts(table)) or "none"
        raise TableError(f"{table.source}: no row of the part {wanted!r} in column {table.split!r}, only: {present}.")
    return replace(table.take(rows), split=None)


def split_parts(
    table: LabelTable, valid: float, test: float, rest: str | None, group: str | Sequence[Any] | None, seed: int
) -> tuple[LabelTable, LabelTable, LabelTable]:
    """See :meth:`LabelTable.parts`."""
    from mtlzoo.data.splitting import split

    if rest is not None and part_of(rest) is None:
        raise InputError(f"Expected `rest` to be None or one of {', '.join(PARTS)}, received: {rest!r}.")
    parts = _parts(table)
    without, notes = pd.isna(parts), []
    if without.any() and rest is None:
        notes.append(
            f"{count(int(without.sum()), 'row')} without a part in column {table.split!r} are left out (rest='train', "
            "--rest train, to learn from them)"
        )
        notes += _lost_labels(table, without)
    elif without.any():
        parts[without] = part_of(rest)
    tables = {name: replace(table.take(np.flatnonzero(parts == name)), split=None) for name in PARTS}
    if not len(tables["train"]):
        raise TableError(f"{table.source}: no row of the part 'train' in column {table.split!r}.")
    fractions = {"valid": valid, "test": test}
    lacking = {name: fraction for name, fraction in fractions.items() if not len(tables[name])}
    if lacking:
        whole = len(tables["train"])
        groups = group if group is None or isinstance(group, str) else np.asarray(group)[parts == "train"]
        divided = split(tables["train"], [1 - sum(lacking.values()), *lacking.values()], group=groups, seed=seed)
        tables.update(zip(("train", *lacking), divided))
        dealt = " and ".join(f"{len(tables[name]):,} for {name}" for name in lacking)
        notes.append(f"column {table.split!r} has no {' and no '.join(lacking)} rows: {dealt} of {whole:,} train rows")
    train, valid_rows, test_rows = (replace(tables[name], notes=(*table.notes, *notes)) for name in PARTS)
    return train, valid_rows, test_rows


def published_parts(table: LabelTable) -> list[str]:
    """The parts that have rows in the source's own split, in their order; none if it has no split."""
    if table.split is None:
        return []
    known = set(_parts(table))
    return [name for name in PARTS if name in known]


def _parts(table: LabelTable) -> np.ndarray:
    if table.split is None:
        raise TableError(
            f"{table.source}: no column says each row's part; name one (split_column=, --split-column), or split the rows "
            "yourself (mtl.data.split)."
        )
    try:
        return parts_of(table.frame[table.split])
    except ValueError as error:
        raise TableError(f"{table.source}: column {table.split!r}: {error}.") from None


def _lost_labels(table: LabelTable, without: np.ndarray) -> list[str]:
    """A note for each head of which some class occurs in the rows that are left out only."""
    notes = []
    for name, targets in table.labels().items():
        names = getattr(table.heads[name], "names", None)
        if names is None or targets.ndim > 1:
            continue
        seen, all_ids = (set(ids[ids >= 0].astype(int).tolist()) for ids in (targets[~without], targets))
        lost = [names[index] for index in sorted(all_ids - seen)]
        if lost:
            notes.append(f"without them no row has the label {shorten(lost, 5)} of {name!r}")
    return notes
