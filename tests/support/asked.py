"""What a run of the tests was asked for: `scripts/test --all` runs those marked `long` too."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any

import pytest

ALL = os.environ.get("MTLZOO_TEST_ALL") == "yes"


def usually(usual: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """The values of a parameter, or of several as tuples, of which those that are not usual are `long`."""
    return [
        value
        if value in usual
        else pytest.param(*(value if isinstance(value, tuple) else [value]), marks=pytest.mark.long)
        for value in values
    ]
