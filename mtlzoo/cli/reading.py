"""Read what a command names: tables, parts, heads."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.data import LabelTable, apply_corrections, split
from mtlzoo.data.parts import published_parts, with_split
from mtlzoo.data.tabular import read_known
from mtlzoo.datasets.cells.reader import PACKED
from mtlzoo.errors import ImageError, InputError
from mtlzoo.heads.kinds import plain_value
from mtlzoo.images.checking import inspect_images
from mtlzoo.system.registries import FORMATS, MAKERS

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel

# Packed tables that come with the package, by the names that they have in place of a path.
BUNDLED = {"blood_cells": PACKED}


def find_bundled(data: Path, format: str) -> tuple[Path, str]:
    """The path and the format of a table: those of one that comes with the package, where nothing else has its name."""
    if format == "csv" and str(data) in BUNDLED and not data.exists():
        return BUNDLED[str(data)], "packed"
    return data, format


def read_table(data: Path, format: str, **arguments: Any) -> LabelTable:
    """Read a dataset in a named format.

    Raises:
        ValueError: If the format is unknown.
    """
    if format not in FORMATS:
        raise ValueError(f"Unknown format {format!r}, expected one of: {', '.join(FORMATS)}.")
    return FORMATS[format](data, **arguments)


def reader_arguments(format: str, options: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the reader of a format has, by the names of its arguments.

    Args:
        format: The name of the format.
        options: Options of any format.
        columns: Options of formats that read a label file, whose column of images one can choose.
    """
    known = inspect.signature(FORMATS.find(format)).parameters
    chosen = {name: value for name, value in options.items() if name in known}
    return {**chosen, **columns} if "image" in known else chosen


def make_data(kind: str, directory: Path, **arguments: Any) -> Path:
    """Draw a dataset of a named kind; arguments that are `None` are left at what the kind has for them.

    Raises:
        ValueError: If the kind is unknown, or has no such argument.
    """
    if kind not in MAKERS:
        raise ValueError(f"Unknown kind of data {kind!r}, expected one of: {', '.join(MAKERS)}.")
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in given.keys() - inspect.signature(MAKERS[kind]).parameters.keys():
        raise ValueError(f"Expected no {name} for {kind!r}, which has none to choose, received: {given[name]!r}.")
    return MAKERS[kind](directory, **given)


def read_for_model(
    data: Path,
    format: str,
    model: MultiTaskModel,
    part: str | None = None,
    writing: Mapping[str, Any] | None = None,
    corrections: Sequence[Path] = (),
) -> LabelTable:
    """Read a dataset's labels for the heads of a model, so that its classes are in the model's order.

    Args:
        data: The file or folder.
        format: The name of its format.
        model: The model.
        part: Which part of a dataset that has some.
        writing: How a table is written: `split_column`, `missing`, `layout`, `sep`, `encoding`, `decimal`.
        corrections: Files of labels that are put in place of the table's.
    """
    writing = dict(writing or {})
    # Heads are not to be guessed: a column that is no head, or has one label only, does not matter here.
    if format == "csv":
        table = read_known(data, model.heads, **writing)
    elif has_parts(format):
        table = read_table(data, format, part=part or "train")
    else:
        known = inspect.signature(FORMATS.find(format)).parameters
        heads = (
            model.heads if "image" in known else {}
        )  # a label file has columns to read, folders have none but labels
        table = read_table(data, format, **({"heads": heads} if "heads" in known else {}))
    table = correct(table.for_heads(model.heads), corrections)
    return choose_rows(table, format, part, writing.get("split_column"))


def correct(table: LabelTable, files: Sequence[Path]) -> LabelTable:
    """The table with the labels of some files of corrections, one after the other."""
    for file in files:
        table = apply_corrections(table, file)
    return table


def has_parts(format: str) -> bool:
    """Whether a format's parts are files of their own."""
    return format in FORMATS and "part" in inspect.signature(FORMATS[format]).parameters


def choose_rows(table: LabelTable, format: str, part: str | None, split_column: str | None) -> LabelTable:
    """The rows of one part, and the column of parts, where either is given.

    Raises:
        TableError: If there is no such column, or no row of that part.
    """
    if split_column is not None and split_column != table.split:
        table = with_split(table, split_column)
    return table if part is None or has_parts(format) else table.part(part)


def check_told_parts(
    table: LabelTable, valid: float | None, test: float | None, rest: str | None = None, by_chance: bool = False
) -> None:
    """Refuse fractions for parts that the published split has, and a part for rows without one if there is no such split.

    Raises:
        InputError: If one was given.
    """
    published = [] if by_chance else published_parts(table)
    if rest is not None and not published:
        raise InputError(
            f"Expected no --rest, since the rows are split by chance and none is without a part, received: {rest}; name the "
            "column of parts with --split-column."
        )
    fractions = [
        0.1 if given is None else given for name, given in (("valid", valid), ("test", test)) if name not in published
    ]
    if sum(fractions) >= 1:
        raise InputError(
            "Expected --valid and --test, which are 0.1 unless given, to leave rows to train on, received: "
            f"{' and '.join(map(str, fractions))}."
        )
    for name, given in (("valid", valid), ("test", test)):
        if given is not None and name in published:
            raise InputError(
                f"Expected no --{name}, since column {table.split!r} says which rows are for that, received: {given}; "
                "leave it out, or split by chance with --split-column none."
            )


def divide(
    table: LabelTable,
    valid: float | None = None,
    test: float | None = None,
    *,
    by_chance: bool = False,
    rest: str | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Sequence[LabelTable]:
    """The rows to train on, to choose the best epoch by, and for the report.

    Args:
        table: All rows.
        valid: The fraction that chooses the best epoch, 0.1 by default.
        test: The fraction for the report, likewise.
        by_chance: Whether to split by chance, although the source has a split of its own.
        rest: The part of rows that have none in the source's split.
        group: Rows with the same value of this column stay together in a split by chance.
        seed: The same seed splits the same way.

    Raises:
        InputError: See :func:`check_told_parts`.
        TableError: If a head could learn nothing from the training rows of the source's split.
    """
    fractions = {"valid": 0.1 if valid is None else valid, "test": 0.1 if test is None else test}
    check_told_parts(table, valid, test, rest, by_chance)
    if by_chance or table.split is None:
        return split(table, [1 - sum(fractions.values()), *fractions.values()], group=group, seed=seed)
    train, *others = table.parts(**fractions, rest=rest, group=group, seed=seed)
    train.check()  # a head may be labelled in the other parts alone
    return [train, *others]


def read_questions(data: Path, format: str) -> LabelTable | None:
    """The questions of a FashionAI folder, where there are any."""
    if format == "fashionai" and (Path(data) / "Tests" / "question.csv").is_file():
        return read_table(data, format, part="question")
    return None


def configure_heads(table: LabelTable, options: Mapping[str, Any]) -> LabelTable:
    """Give every head the options that its kind has; those that only others have do not concern it."""
    heads = {}
    for name, head in table.heads.items():
        config = head.get_config()
        own = {option: value for option, value in options.items() if option in config}
        heads[name] = head.with_settings(**own)
    return table.with_heads(heads)


def parse_heads(texts: Sequence[str] | None) -> dict[str, str | None] | None:
    """`["garment", "size=ordinal:S,M,L"]` as a dictionary from names to kinds, `None` where the kind is to be guessed.

    What may follow a kind is said at :func:`mtlzoo.heads.kinds.head_of_kind`.
    """
    if texts is None:
        return None
    return {name: kind or None for name, _, kind in (text.partition("=") for text in texts)}


def parse_option(text: str) -> tuple[str, Any]:
    """`alpha=0.25` as a name and a number, a truth value or a text.

    Raises:
        ValueError: If there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"Expected an option such as alpha=0.25, received: {text!r}.")
    return name, plain_value(value)


def drop_bad_images(
    table: LabelTable, skip: bool, progress: bool = False, notes: bool = True
) -> tuple[LabelTable, list[str]]:
    """Read every image of a table once, before hours of training depend on it, and tell what is odd about them.

    Args:
        table: The table.
        skip: Whether to go on without unreadable images.
        progress: Whether to show how far it is.
        notes: Whether to print what is odd about images that can be read.

    Returns:
        The table of readable images, and one line for each row left out.

    Raises:
        ImageError: If an image cannot be read and is not to be skipped; the message names its row.
    """
    bad, odd = inspect_images(table.paths(), progress=progress)
    for note in odd if notes else ():
        print(f"Note: {note}", file=sys.stderr)
    if not bad:
        return table, []
    lines = [f"{table.where(row)}: {reason}" for row, reason in bad.items()]
    if not skip:
        more = f" ({len(bad)} such rows in all)" if len(bad) > 1 else ""
        raise ImageError(f"{lines[0]}{more}. Go on without unreadable images: --skip-bad.")
    return table.take(np.setdiff1d(np.arange(len(table)), list(bad))), lines
