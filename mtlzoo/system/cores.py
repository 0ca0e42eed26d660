"""How many cores there are for this process."""

from __future__ import annotations

import os


def available_cores() -> int:
    """The cores that this process may run on: containers and `taskset` often leave fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
