"""Keras models without graphs: of a few steps of a small network, tracing takes nearly all the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def eager_steps() -> Iterator[None]:
    """Train, evaluate and predict step by step, however a model is compiled: for tests of what is around the steps."""
    import keras

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "run_eagerly", property(lambda model: True, lambda model, value: None))
        yield
