"""Memory of a test process."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil

PLENTY = 1500 * 2**20  # bytes; two processes run at a time, beside those that tests start
MORE = 400 * 2**20  # bytes that have to be in use beside those that nothing could be done about before

_kept = 0  # bytes that were in use after the last time


def release_memory(above: int = PLENTY) -> None:
    """Forget the networks that nobody holds any more, and give what they took back to the system.

    Args:
        above: The bytes in use from which this is done: it takes seconds.
    """
    global _kept
    if psutil.Process().memory_info().rss < max(above, _kept + MORE):
        return
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    gc.collect()
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
    _kept = psutil.Process().memory_info().rss
