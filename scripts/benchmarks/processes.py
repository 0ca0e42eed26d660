"""Programs that are measured in a process of their own."""

from __future__ import annotations

import inspect
import subprocess
import sys


def peak() -> float:
    """The most memory that this process has had, in MiB.

    On Linux `ru_maxrss` is that of the process that started this one, where that had more; the kernel's own mark is not.
    """
    import pathlib
    import resource

    status = pathlib.Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


def run_alone(program: str, *arguments: object) -> str:
    """What a program prints, which may call `peak()`."""
    command = [sys.executable, "-c", f"{inspect.getsource(peak)}\n{program}", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
