"""How the labels of a second image travel with a batch of mixed ones: beside the labels, under a name that no head has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mtlzoo.heads.extras import MARK

WAYS = ("mixup", "cutmix")
"""The ways of mixing two images."""

MIXED = f"{MARK}mixed"
"""Where the labels of a batch have those of the second images."""
LABELS, OWN, OTHER = "labels", "own", "other"


class Partners(NamedTuple):
    """What a batch of mixed images has of the second ones.

    Attributes:
        labels: The second images' labels by the name of the head, for heads that mix.
        own: The weight of each row's own labels, from 0.5 to 1, `(rows,)`; 1 where a row is not mixed.
        other: The weight of the second image's, `(rows,)`; 0 where a row is not mixed.
    """

    labels: Mapping[str, Any]
    own: Any
    other: Any


def with_partners(labels: Mapping[str, Any], partners: Partners) -> dict[str, Any]:
    """A batch's labels with those of the second images."""
    mixed = {LABELS: dict(partners.labels), OWN: partners.own, OTHER: partners.other}
    return {**labels, MIXED: mixed}


def partners_of(labels: Any) -> Partners | None:
    """What a batch's labels have of second images; `None` if nothing was mixed."""
    if not isinstance(labels, Mapping) or MIXED not in labels:
        return None
    mixed = labels[MIXED]
    return Partners(mixed[LABELS], mixed[OWN], mixed[OTHER])
