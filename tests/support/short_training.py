"""Training that costs next to nothing, for tests of what is around the steps.

Tracing the graph of a step takes a second and running one of a tiny network nothing, so that a few steps are faster without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import pytest

from mtlzoo.models import MultiTaskModel


@contextmanager
def eager_steps() -> Iterator[None]:
    """Models that are compiled here train and evaluate without a graph, unless they are told otherwise."""
    compile_ = MultiTaskModel.compile

    def compile_eagerly(model: MultiTaskModel, *args: Any, **kwargs: Any) -> None:
        compile_(model, *args, **{"run_eagerly": True, **kwargs})

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(MultiTaskModel, "compile", compile_eagerly)
        yield


class StopBeforeSteps(keras.callbacks.Callback):
    """Ctrl-C when all is prepared: for tests of the preparation, not of the steps."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        raise KeyboardInterrupt
