"""Heads: one class for each kind of label. `HEADS` is the registry; nothing else knows the kinds."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from mtlzoo.errors import LabelError
from mtlzoo.heads.base import Head
from mtlzoo.heads.binary import BinaryHead
from mtlzoo.heads.box import BoxHead
from mtlzoo.heads.classification import ClassificationHead
from mtlzoo.heads.conditions import check_conditions
from mtlzoo.heads.detection import DetectionHead
from mtlzoo.heads.dual_task import DualTaskHead
from mtlzoo.heads.expectation import ExpectationHead
from mtlzoo.heads.head_names import check_logs, check_name
from mtlzoo.heads.landmark import LandmarkHead
from mtlzoo.heads.multilabel import MultiLabelHead
from mtlzoo.heads.ordinal import OrdinalHead
from mtlzoo.heads.regression import RegressionHead
from mtlzoo.heads.towers import check_towers
from mtlzoo.system.registries import HEADS

__all__ = [
    "HEADS",
    "BinaryHead",
    "BoxHead",
    "ClassificationHead",
    "DetectionHead",
    "DualTaskHead",
    "ExpectationHead",
    "Head",
    "LabelError",
    "LandmarkHead",
    "MultiLabelHead",
    "OrdinalHead",
    "RegressionHead",
    "deserialize",
    "get_heads",
    "register_head",
    "serialize",
]


def register_head(kind: str, cls: type[Head]) -> None:
    """Make a head class of your own known, so that files with such heads can be read.

    Args:
        kind: The name of the kind in files and on the command line.
        cls: A subclass of `Head`.

    Raises:
        ValueError: If another class has this name.

    Example:

    ```python
    class StarsHead(mtl.OrdinalHead):
        pass  # one to five stars

    mtl.heads.register_head("stars", StarsHead)
    ```
    """
    HEADS.register(kind, cls)


def get_heads(heads: Mapping[str, Head | int], complete: bool = False) -> dict[str, Head]:
    """Heads by name, from the short form or the full one.

    Args:
        heads: A dictionary from the head's name to a head, or to a number of classes for a softmax head.
        complete: Whether each head has to have its parents (`only_if=`) beside it, as in a model.

    Returns:
        A new dictionary in the same order. Heads are immutable, so several models and names may share one.

    Raises:
        ValueError: If there is none, a name is no text or would be mistaken in the logs, `only_if` names no class of
            another head, or heads of one tower differ in its layers.
        TypeError: If a value is neither a head nor a number.

    Example:

    ```python
    get_heads({"coat_length": 8})  # {"coat_length": ClassificationHead(classes=8)}
    ```
    """
    if not isinstance(heads, Mapping) or not heads:
        raise ValueError(f'Expected a dictionary of heads such as {{"coat_length": 8}}, received: {heads!r}.')
    result: dict[str, Head] = {}
    for name, head in heads.items():
        check_name(name)
        if isinstance(head, Integral) and not isinstance(head, bool):
            head = ClassificationHead(int(head))
        if not isinstance(head, Head):
            raise TypeError(f"Expected head {name!r} to be a head or a number of classes, received: {head!r}.")
        result[name] = head
    check_logs(result)
    check_conditions(result, complete)
    check_towers(result)
    return result


def serialize(heads: Mapping[str, Head]) -> dict[str, dict[str, Any]]:
    """Heads as plain JSON values.

    Args:
        heads: The heads by name.

    Returns:
        For each name a dictionary with `kind` and `config`.

    Raises:
        ValueError: If a head's class is not registered.

    Example:

    ```python
    mtl.heads.serialize(table.heads)["gender"]["kind"]  # "binary"
    ```
    """
    kinds = {name: HEADS.name_of(type(head)) for name, head in heads.items()}
    for name, head in heads.items():
        if kinds[name] is None:
            raise ValueError(f"Head {name!r} is a {type(head).__name__}; call `mtl.heads.register_head` first.")
    return {name: {"kind": kinds[name], "config": head.get_config()} for name, head in heads.items()}


def deserialize(config: Mapping[str, Mapping[str, Any]]) -> dict[str, Head]:
    """The heads that :func:`serialize` wrote.

    Args:
        config: For each name a dictionary with `kind` and `config`.

    Returns:
        The heads by name.

    Raises:
        ValueError: If a kind of head is unknown.

    Example:

    ```python
    heads = mtl.heads.deserialize(mtl.heads.serialize(table.heads))
    ```
    """
    for name, entry in config.items():
        if entry["kind"] not in HEADS:
            raise ValueError(f"Head {name!r} is of the unknown kind {entry['kind']!r}, expected: {', '.join(HEADS)}.")
    return {name: HEADS[entry["kind"]].from_config(entry["config"]) for name, entry in config.items()}
