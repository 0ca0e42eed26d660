"""How much memory there is."""

from __future__ import annotations

from pathlib import Path


def free_memory() -> int:
    """Bytes of memory that this process could still take, as far as the system tells.

    Example:

    ```python
    from mtlzoo.system.memory import free_memory

    assert free_memory() > 0
    ```
    """
    import psutil  # which predictions do without

    free = psutil.virtual_memory().available
    try:  # a container may have less, which psutil does not see
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        return min(free, limit - used)
    except (OSError, ValueError):  # no container, or one without a limit
        return free
