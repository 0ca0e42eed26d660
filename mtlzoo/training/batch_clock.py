"""How long batches take, without the first one, before which a graph is made."""

from __future__ import annotations

import time


class BatchClock:
    """Is told of every batch that is done.

    Attributes:
        batches: How many batches are done.
        until_first: Seconds from the start of the clock until the first one was done.
    """

    def __init__(self) -> None:
        self.batches, self.until_first = 0, 0.0
        self._first = self._last = time.monotonic()

    def tick(self) -> None:
        """A batch is done."""
        now = time.monotonic()
        if not self.batches:
            self.until_first, self._first = now - self._last, now
        self._last = now
        self.batches += 1

    @property
    def running(self) -> float:
        """Seconds from the first batch to the last one that is done."""
        return self._last - self._first

    @property
    def each(self) -> float | None:
        """Seconds a batch after the first one; `None` if there was none."""
        return self.running / (self.batches - 1) if self.batches > 1 else None
