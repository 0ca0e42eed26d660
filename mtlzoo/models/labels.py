"""Labels and row weights by the name of the head, whatever was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtlzoo.heads import Head


def by_head(heads: Mapping[str, Head], values: Any, what: str) -> dict[str, Any]:
    """The given values of the heads that have any; `None` counts as not given.

    Args:
        heads: The heads by name.
        values: A dictionary by the names of heads.
        what: How a message calls the values.

    Raises:
        ValueError: If it is no dictionary, or one of the names is that of no head.
    """
    if not isinstance(values, Mapping):
        raise ValueError(
            f"Expected {what} as a dictionary by the names of the heads ({', '.join(heads)}), received: "
            f"{type(values).__name__}. Keras matches lists to outputs in the sorted order of their names, which would "
            "train the wrong heads."
        )
    unknown = [name for name in values if name not in heads]
    if unknown:
        raise ValueError(
            f"Expected {what} for the heads {', '.join(heads)}, received also: {', '.join(map(str, unknown))}."
        )
    return {name: values[name] for name in heads if values.get(name) is not None}


def weights_by_head(heads: Mapping[str, Head], sample_weight: Any) -> dict[str, Any]:
    """Row weights for each head: one array serves all, a dictionary may leave heads out."""
    if sample_weight is None:
        return {}
    if isinstance(sample_weight, Mapping | list | tuple):
        return by_head(heads, sample_weight, "sample weights")
    return dict.fromkeys(heads, sample_weight)


def label_arrays(heads: Mapping[str, Head], labels: Any = None, sample_weight: Any = None) -> tuple[Any, Any]:
    """Labels and row weights given as arrays, checked before the first step, and as Keras wants to slice them."""
    if labels is not None:
        labels = by_head(heads, labels, "labels")
        if isinstance(sample_weight, Mapping):  # Keras takes weights for all labels or for none
            given = by_head(heads, sample_weight, "sample weights")
            sample_weight = {
                name: given[name] if name in given else np.ones(len(targets), "float32")
                for name, targets in labels.items()
            }
    return labels, sample_weight
