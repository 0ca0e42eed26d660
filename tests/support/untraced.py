"""Keras models without graphs: of a few steps, tracing takes nearly all the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def without_tracing() -> Iterator[None]:
    """Train, evaluate and predict step by step, however a model is compiled: for tests of what is around the steps."""
    import keras

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "run_eagerly", property(lambda model: True, lambda model, value: None))
        yield


@pytest.fixture
def untraced() -> Iterator[None]:
    """:func:`without_tracing` for a whole test."""
    with without_tracing():
        yield
