"""How a teacher's labels travel with a batch: beside the labels of people, under a name that no head has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mtlzoo.heads.extras import MARK

TAUGHT = f"{MARK}taught"
"""Where the labels of a batch have those of a teacher."""
LABELS, WEIGHTS = "labels", "weights"


class Taught(NamedTuple):
    """What a batch has of a teacher.

    Attributes:
        labels: The teacher's labels by the name of the head, soft ones for classes; for heads that are taught.
        weights: How much each of them counts, `(rows,)` of at least 0; 0 for not at all.
    """

    labels: Mapping[str, Any]
    weights: Mapping[str, Any]


def with_taught(labels: Mapping[str, Any], taught: Taught) -> dict[str, Any]:
    """A batch's labels with those of a teacher."""
    return {**labels, TAUGHT: {LABELS: dict(taught.labels), WEIGHTS: dict(taught.weights)}}


def taught_of(labels: Any) -> Taught | None:
    """What a batch's labels have of a teacher; `None` if nothing is taught."""
    if not isinstance(labels, Mapping) or TAUGHT not in labels:
        return None
    return Taught(labels[TAUGHT][LABELS], labels[TAUGHT][WEIGHTS])
