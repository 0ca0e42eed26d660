"""How far a long job is, on standard error: a line that moves at a terminal, a new line now and then in a log."""

from __future__ import annotations

import sys
import time


class Progress:
    """Says how far a job is, without costing it time.

    Not `tqdm`, which moves its line with carriage returns in a log as well, where they make one line without end.

    Example:

    ```python
    progress = Progress()
    for done in range(1, 1001):
        progress.show(f"drawing {done}/1000", last=done == 1000)
    ```
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._seconds = 0.2 if self._terminal else 10.0
        self._shown = time.monotonic()

    def show(self, text: str, last: bool = False) -> None:
        """Print a text if it is time to, and the last one in any case."""
        now = time.monotonic()
        if not last and now - self._shown < self._seconds:
            return
        self._shown = now
        start, end = ("\r", "\n" if last else "") if self._terminal else ("", "\n")
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)
