"""How the C library keeps freed memory."""

from __future__ import annotations

import ctypes
import os
import sys

# From malloc.h, see mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MEBIBYTE = 2**20


def keep_freed_memory() -> None:
    """Have glibc keep a few dozen MiB of freed memory rather than hand them back to the system after every picture.

    A decoded picture and a batch are large and short-lived. Outside of the main thread glibc unmaps such blocks as soon as
    they are freed, and the next ones come as pages that the kernel clears first, while all threads wait: more than half of
    the time of loading in two threads. Thresholds are those that glibc comes to by itself in a main thread; the padding is
    what makes them count in the others. Training on a CPU gains a little too. Elsewhere than on glibc, or where the
    environment says how memory is kept, nothing is done.
    """
    told = any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    )
    if told or sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(M_MMAP_THRESHOLD, 32 * MEBIBYTE)
        mallopt(M_TRIM_THRESHOLD, 64 * MEBIBYTE)
        mallopt(M_TOP_PAD, 32 * MEBIBYTE)
