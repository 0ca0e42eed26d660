"""Functions that run in processes of their own, for what TensorFlow never gives back.

The memory of a compiled training step stays with its process, also when model, session and step are gone: over 100 MB for
ResNet50, with plain Keras too (https://github.com/tensorflow/tensorflow/issues/61791). A test
process that trains each family of backbones would end with eight gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

CALLS = 5  # in one process: it takes seconds to start one


@pytest.fixture(scope="module")
def in_fresh_process() -> Iterator[Callable[..., Any]]:
    """Call a function of an importable module with arguments that can be pickled, in another process."""
    pools: list[ProcessPoolExecutor] = []
    calls = 0

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        # `max_tasks_per_child` would do this, and hangs: https://github.com/python/cpython/issues/115634
        nonlocal calls
        if calls % CALLS == 0:
            close()
            pools.append(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        calls += 1
        return pools[-1].submit(function, *arguments).result()

    def close() -> None:
        while pools:
            pools.pop().shutdown()

    yield call
    close()
