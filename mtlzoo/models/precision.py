"""In which precision layers compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


@contextmanager
def policy(precision: Any) -> Iterator[None]:
    """Keras' global policy for the layers that are made here; `None` leaves it."""
    before = keras.config.dtype_policy()
    if precision is not None:
        keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
