"""Memory of a test process."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

PLENTY = 1500 * 2**20  # bytes; two processes run at a time, beside those that tests start


def release_memory(above: int = PLENTY) -> None:
    """Forget the networks that nobody holds any more, and give what they took back to the system.

    Args:
        above: The bytes in use from which this is done: it takes a second.
    """
    if used_bytes() < above:
        return
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    gc.collect()
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


def used_bytes() -> int:
    """What this process holds in memory, or a lot where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    except OSError:
        return sys.maxsize
