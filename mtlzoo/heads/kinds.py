"""Kinds of heads as texts say them: `ordinal`, `ordinal:S,M,L` or `multilabel:separator=/`."""

from __future__ import annotations

import csv
import difflib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mtlzoo.heads.base import Head
from mtlzoo.heads.texts import shorten

if TYPE_CHECKING:
    import pandas as pd


def head_of_kind(text: str, labels: pd.Series, kinds: Mapping[str, type[Head]]) -> Head:
    """The head that a text says, for a column of labels.

    Args:
        text: A kind; after a colon, with commas between, the names of its classes, levels, tags or points in their order
            (those of the column by default), and arguments as `NAME=VALUE`. What has a comma in it stands in double quotes:
            `ordinal:"less, or none",more`.
        labels: The column's different labels, none of them missing.
        kinds: The classes of heads by kind.

    Raises:
        ValueError: If the kind or an argument is unknown, the head takes no names, or the labels do not fit.
    """
    kind, _, listed = text.partition(":")
    kind = kind.strip()
    if kind not in kinds:
        raise ValueError(f"unknown kind of head {kind[:80]!r}, expected one of: {', '.join(kinds)}")
    cls = kinds[kind]
    names, options = _names_and_options(listed, cls)
    if not options and not names:
        return cls.from_labels(labels)
    first = next(iter(inspect.signature(cls).parameters))
    if names and first not in ("classes", "labels", "levels", "points"):
        raise ValueError(f"expected no names for a head of the kind {kind}, received {shorten(names, 5)}")
    try:
        if not names:
            return cls.from_labels(labels, **options)
        arguments: dict[str, Any] = {first: names, **options}
        return cls(**arguments)
    except TypeError as error:  # a text where a number should be
        listed = ", ".join(f"{name}={value}" for name, value in options.items())
        raise ValueError(f"no {cls.__name__} has such arguments: {listed[:80]} ({error})") from None


def plain_value(text: str) -> Any:
    """A number, a truth value, `None` or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _names_and_options(listed: str, cls: type[Head]) -> tuple[list[str], dict[str, Any]]:
    items = next(csv.reader([listed], skipinitialspace=True), [])
    known = {
        parameter.name
        for base in cls.__mro__
        if "__init__" in vars(base) and issubclass(base, Head)
        for parameter in inspect.signature(base.__init__).parameters.values()
    } - {"self", "kwargs"}
    names: list[str] = []
    options: dict[str, Any] = {}
    for item in map(str.strip, items):
        key, equals, value = item.partition("=")
        if equals and key in known:
            options[key] = plain_value(value)
        elif equals and (close := difflib.get_close_matches(key, known, 1, 0.75)):
            raise ValueError(f"unknown argument {key[:80]!r}, did you mean {close[0]!r}?")
        elif not item:
            raise ValueError(f"expected names with one comma between, received {listed[:80]!r}")
        else:
            names.append(item)
    return names, options
