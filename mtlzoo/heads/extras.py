"""What travels with a batch's labels beside them, under names that no head has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARK = "\n"
"""With what such names begin; no head's name has a line break."""


def without_extras(labels: Any) -> Any:
    """A batch's labels as they are by the names of heads; what is no dictionary, or has nothing else, stays as it is."""
    if not extras_of(labels):
        return labels
    return {name: values for name, values in labels.items() if not _is_extra(name)}


def extras_of(labels: Any) -> dict[str, Any]:
    """What a batch's labels have beside those of heads."""
    if not isinstance(labels, Mapping):
        return {}
    return {name: values for name, values in labels.items() if _is_extra(name)}


def _is_extra(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(MARK)
