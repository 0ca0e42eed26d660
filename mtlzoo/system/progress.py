"""How far a long job is: a line that moves at a terminal and in a notebook, a new line now and then in a log."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO


def redraw_seconds(stream: TextIO) -> float | None:
    """How long a line stands before it may be drawn over, in seconds; `None` where it cannot be drawn over.

    Jupyter and Colab understand a carriage return as a terminal does, though their streams do not count as one; each
    drawing is a message to the browser there.

    Args:
        stream: Standard output or standard error, whatever stands in its place.
    """
    if stream.isatty():
        return 0.1
    return 0.5 if type(stream).__module__.partition(".")[0] == "ipykernel" else None


def draw(line: str, stream: TextIO) -> None:
    """Draw a line over the one before it, where :func:`redraw_seconds` says that this can be done.

    Args:
        line: Text, of which so much is shown as fits; an empty one wipes the line, for another to be printed there.
        stream: As for :func:`redraw_seconds`.
    """
    width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be drawn over
    print(f"\r{line[:width]:{width}}", end="" if line else "\r", file=stream, flush=True)


def bar(fraction: float, width: int = 24) -> str:
    """A bar with its percentage, such as `[=====     ]  50%`."""
    return f"[{'=' * int(fraction * width):{width}}] {fraction:4.0%}"


def time_left(seconds: float, done: int, total: int) -> str:
    """How long the rest takes if it goes on like this, such as `0:07 left`.

    Args:
        seconds: How long the part that is done took.
        done: How many steps are done, at least one.
        total: Of how many.
    """
    return f"{duration(seconds / done * (total - done))} left"


def duration(seconds: float) -> str:
    """Seconds as minutes and seconds, after an hour with hours."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """Says on standard error how far a job is, without costing it time.

    Not `tqdm`, which moves its line with carriage returns in a log as well, where they make one line without end.

    Example:

    ```python
    progress = Progress()
    for done in range(1, 1001):
        progress.show(f"Drew {done} of 1000 images", done, 1000)
    ```
    """

    def __init__(self) -> None:
        self._redraw = redraw_seconds(sys.stderr)
        self._seconds = self._redraw or 10.0
        self._started = self._shown = time.monotonic()

    def show(self, text: str, done: int, total: int) -> None:
        """Print a text if it is time to, and the last one in any case.

        Args:
            text: What is done.
            done: How many steps are done, at least one.
            total: Of how many; the last one ends the line.
        """
        now, moves = time.monotonic(), self._redraw is not None
        if done < total and now - self._shown < self._seconds:
            return
        self._shown = now
        if done == total:
            if moves:
                draw("", sys.stderr)
            print(text, file=sys.stderr, flush=True)
            return
        left = time_left(now - self._started, done, total)
        if moves:
            draw(f"{text}  {bar(done / total, 12)}  {left}", sys.stderr)
        else:
            print(f"{text}, {left}", file=sys.stderr, flush=True)
