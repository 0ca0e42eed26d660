"""Memory of a test process."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil

PLENTY = 1500 * 2**20  # bytes; two processes run at a time, beside those that tests start


def release_memory(above: int = PLENTY) -> None:
    """Forget the networks that nobody holds any more, and give what they took back to the system.

    Args:
        above: The bytes in use from which this is done: it takes a second.
    """
    if psutil.Process().memory_info().rss < above:
        return
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    gc.collect()
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
