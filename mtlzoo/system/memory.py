"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path


def free_memory() -> int:
    """Bytes of memory that this process could still take, as far as the system tells."""
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if hasattr(os, "sysconf") else 2**32
    try:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
        group = Path("/sys/fs/cgroup")  # A container may have less.
        most, taken = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        free = min(free, most - taken)
    except (OSError, ValueError, KeyError):
        pass
    return free
