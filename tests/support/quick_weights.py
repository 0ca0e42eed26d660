"""First weights of large networks, in a fraction of the time that drawing hundreds of millions of numbers takes."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

POOL = 2**16 + 1  # numbers that all weights are made of; odd, so that no two rows of a kernel are the same
KINDS = (keras.initializers.VarianceScaling, keras.initializers.RandomNormal, keras.initializers.TruncatedNormal)


def draw_from_pool(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    """Random initialisers repeat a few numbers, scaled as they would be, each from another place on."""
    pool = rng.uniform(-1.0, 1.0, POOL).astype("float32")

    def draw(self: Any, shape: tuple[int, ...], dtype: Any = None, **_: Any) -> Any:
        numbers = np.roll(pool, rng.integers(POOL)) * np.float32(_deviation(self, shape) * math.sqrt(3))
        return keras.ops.convert_to_tensor(np.resize(numbers, shape), dtype)

    for kind in KINDS:
        monkeypatch.setattr(kind, "__call__", draw)


def start_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random initialisers give zeros: for models whose weights come from elsewhere, all of them."""
    for kind in KINDS:
        monkeypatch.setattr(kind, "__call__", lambda self, shape, dtype=None, **_: keras.ops.zeros(shape, dtype))


def _deviation(initializer: Any, shape: tuple[int, ...]) -> float:
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer.stddev
    *window, inputs, outputs = (1, *shape) if len(shape) < 2 else shape
    entering, leaving = math.prod(window) * inputs, math.prod(window) * outputs
    fans = {"fan_in": entering, "fan_out": leaving, "fan_avg": (entering + leaving) / 2}
    return math.sqrt(initializer.scale / fans[initializer.mode])
