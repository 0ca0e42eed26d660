"""What changes its name when an image is mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtlzoo.heads.texts import shorten


def check_flip_pairs(pairs: Any, names: Sequence[str]) -> list[list[str]]:
    """Pairs of names that change places when an image is mirrored left to right.

    Raises:
        ValueError: If they are no pairs, a name is unknown, or one occurs twice.
    """
    if isinstance(pairs, str) or not all(not isinstance(pair, str) and len(pair) == 2 for pair in pairs):
        raise ValueError(
            f'Expected `flip_pairs` to be pairs of names such as [["left", "right"]], received: {pairs!r}.'
        )
    checked = [[str(name) for name in pair] for pair in pairs]
    flat = [name for pair in checked for name in pair]
    unknown = [name for name in flat if name not in names]
    if unknown:
        raise ValueError(f"Unknown name {unknown[0]!r} in `flip_pairs`, expected some of: {shorten(names)}.")
    if len(set(flat)) < len(flat):
        raise ValueError(f"Expected every name once in `flip_pairs`, received: {pairs!r}.")
    return checked


def left_right_pairs(names: Sequence[str]) -> list[list[str]]:
    """The pairs that the names themselves tell: `left_eye` and `right_eye`."""
    pairs = ([name, name.replace("left", "right")] for name in names if "left" in name)
    return [pair for pair in pairs if pair[1] in names]


def flip_order(pairs: Sequence[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    """Where each name's value is taken from when an image is mirrored: int64 `(names,)`."""
    order = np.arange(len(names))
    for first, second in pairs:
        one, other = list(names).index(first), list(names).index(second)
        order[one], order[other] = other, one
    return order
