"""The table that a command was told to read."""

from __future__ import annotations

import argparse
from typing import Any


def read_labels(options: argparse.Namespace) -> Any:
    """The rows of DATA that were asked for, with their corrections."""
    from mtlzoo.cli import runs

    table = runs.read_table(options.data, options.format, **_format_arguments(options))
    table = runs.correct(table, options.corrections)
    return runs.choose_rows(table, options.format, options.part, _split_column(options))


def read_for_model(options: argparse.Namespace, model: Any) -> Any:
    """The same, with labels as the heads of a model know them."""
    from mtlzoo.cli import runs

    how = {"split_column": _split_column(options), **_writing(options)}
    return runs.read_for_model(options.data, options.format, model, options.part, how, options.corrections)


def _split_column(options: argparse.Namespace) -> str | None:
    return None if options.split_column == "none" else options.split_column


def _format_arguments(options: argparse.Namespace) -> dict[str, Any]:
    from mtlzoo.cli.runs import parse_heads, reader_arguments

    columns = {"image": options.image, "group": options.group, "ignore": options.ignore}
    columns |= {"heads": parse_heads(options.heads), "split_column": _split_column(options), **_writing(options)}
    common = {"part": options.part or "train", "maybe": options.maybe, "seed": options.seed}
    return reader_arguments(options.format, common, columns)


def _writing(options: argparse.Namespace) -> dict[str, Any]:
    """How a label file is written, as far as it is told."""
    given = {name: getattr(options, name) for name in ("missing", "layout", "sep", "encoding", "decimal")}
    return {name: value for name, value in given.items() if value is not None}
