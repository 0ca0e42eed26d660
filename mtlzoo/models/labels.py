"""Labels and row weights by the name of the head, whatever was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from mtlzoo.errors import InputError
from mtlzoo.heads import Head
from mtlzoo.heads.conditions import without_inapplicable
from mtlzoo.models.checking import check_labels, check_weights, rows_of, uniform_targets


def by_head(heads: Mapping[str, Head], values: Any, what: str) -> dict[str, Any]:
    """The given values of the heads that have any; `None` counts as not given.

    Args:
        heads: The heads by name.
        values: A dictionary by the names of heads.
        what: How a message calls the values.

    Raises:
        InputError: If it is no dictionary, or one of the names is that of no head.
    """
    if not isinstance(values, Mapping):
        raise InputError(
            f"Expected {what} as a dictionary by the names of the heads ({', '.join(heads)}), received: "
            f"{type(values).__name__}. Keras matches lists to outputs in the sorted order of their names, which would "
            "train the wrong heads."
        )
    unknown = [name for name in values if name not in heads]
    if unknown:
        raise InputError(
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


def label_arrays(
    heads: Mapping[str, Head], images: Any, labels: Any = None, sample_weight: Any = None
) -> tuple[Any, ...]:
    """Labels and row weights given as arrays, checked before the first step, and as Keras wants to slice them.

    Args:
        heads: The heads by name.
        images: The images, for their number.
        labels: A dictionary of arrays, tensors or lists.
        sample_weight: Likewise, or one for all heads.

    Returns:
        Labels and weights.

    Raises:
        InputError: If a label or a weight is wrong; it names head, row and value.
    """
    rows = rows_of(images)
    if rows == 0:
        raise InputError("Expected at least one image, received none.")
    given, checked = by_head(heads, labels, "labels"), {}
    for name, values in given.items():
        checked[name] = check_labels(name, heads[name], values, rows)
        rows = len(checked[name])
    targets = dict(checked)
    if any(head.only_if for head in heads.values()):
        uniform = {name: uniform_targets(name, heads[name], values) for name, values in checked.items()}
        masked = without_inapplicable(heads, uniform)
        targets |= {name: values for name, values in masked.items() if values is not uniform[name]}
    for name, values in given.items():
        if targets[name] is checked[name] and keras.ops.is_tensor(values) and not isinstance(values, np.ndarray):
            targets[name] = values
    if isinstance(sample_weight, Mapping):  # Keras takes weights for all labels or for none
        given = by_head(heads, sample_weight, "sample weights")
        return targets, {
            name: check_weights(given[name], rows, name) if name in given else np.ones(len(target), "float32")
            for name, target in targets.items()
        }
    if isinstance(sample_weight, list | tuple):
        by_head(heads, sample_weight, "sample weights")
    return targets, None if sample_weight is None else check_weights(sample_weight, rows)
