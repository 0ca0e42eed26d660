"""Read what a command names: tables, parts, heads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtlzoo.data import FORMATS, MAKERS, Table, check_images
from mtlzoo.data.tabular import read_known
from mtlzoo.errors import ImageError
from mtlzoo.models import MultiTaskModel


def read_table(data: Path, format: str, **arguments: Any) -> Table:
    """Read a dataset in a named format.

    Raises:
        ValueError: If the format is unknown.
    """
    if format not in FORMATS:
        raise ValueError(f"Unknown format {format!r}, expected one of: {', '.join(FORMATS)}.")
    return FORMATS[format](data, **arguments)


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
    data: Path, format: str, model: MultiTaskModel, part: str = "train", writing: Mapping[str, Any] | None = None
) -> Table:
    """Read a dataset's labels for the heads of a model, so that its classes are in the model's order.

    Args:
        data: The file or folder.
        format: The name of its format.
        model: The model.
        part: Which part of a dataset that has some.
        writing: How a table is written: `missing`, `layout`, `sep`, `encoding`, `decimal`.
    """
    # Heads are not to be guessed: a column that is no head, or has one label only, is nobody's business here.
    if format == "csv":
        return read_known(data, model.heads, **(writing or {})).for_heads(model.heads)
    arguments = {"folders": {"heads": {}}}.get(format, {})
    if format in FORMATS and "part" in inspect.signature(FORMATS[format]).parameters:
        arguments["part"] = part
    return read_table(data, format, **arguments).for_heads(model.heads)


def read_questions(data: Path, format: str) -> Table | None:
    """The questions of a FashionAI folder, where there are any."""
    if format == "fashionai" and (Path(data) / "Tests" / "question.csv").is_file():
        return read_table(data, format, part="question")
    return None


def configure_heads(table: Table, options: Mapping[str, Any]) -> Table:
    """Give every head the options that its kind has; those that only others have do not concern it."""
    heads = {}
    for name, head in table.heads.items():
        config = head.get_config()
        own = {option: value for option, value in options.items() if option in config}
        heads[name] = type(head).from_config({**config, **own})
    return table.with_heads(heads)


def parse_heads(texts: Sequence[str] | None) -> dict[str, str | None] | None:
    """`["garment", "size=ordinal"]` as a dictionary from names to kinds, `None` where the kind is to be guessed."""
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
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            pass
    return name, {"true": True, "false": False, "none": None}.get(value.lower(), value)


def drop_bad_images(table: Table, skip: bool, progress: bool = False) -> tuple[Table, list[str]]:
    """Read every picture of a table once, before hours of training depend on it.

    Args:
        table: The table.
        skip: Whether to go on without unreadable pictures.
        progress: Whether to show how far it is.

    Returns:
        The table of readable pictures, and one line for each row left out.

    Raises:
        ImageError: If a picture cannot be read and is not to be skipped; the message names its row.
    """
    bad = check_images(table.paths(), progress=progress)
    if not bad:
        return table, []
    lines = [f"{table.where(row)}: {reason}" for row, reason in bad.items()]
    if not skip:
        more = f" ({len(bad)} such rows in all)" if len(bad) > 1 else ""
        raise ImageError(f"{lines[0]}{more}. Go on without unreadable pictures: --skip-bad.")
    return table.take(np.setdiff1d(np.arange(len(table)), list(bad))), lines
