"""How many images a server has in work, and how long one of them takes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException


class Room:
    """Places for images. Whoever finds none goes away at once, instead of waiting longer than anybody wants to.

    Used in the thread of the event loop alone.

    Args:
        capacity: How many images may be in work.

    Attributes:
        taken: How many are.
    """

    def __init__(self, capacity: int):
        self.capacity, self.taken = capacity, 0
        self._done, self._busy, self._since = 0, 0.0, 0.0

    @contextmanager
    def places(self) -> Iterator[Places]:
        """One place, and as many more as are asked for, until the end.

        Raises:
            HTTPException: 429 if there is none.
        """
        places = Places(self)
        try:
            places.take(1)
            yield places
        finally:
            self._leave(places.count)

    def check(self, count: int = 1) -> None:
        """Refuse images that there is no room for.

        Raises:
            HTTPException: 429.
        """
        if self.taken + count > self.capacity:
            raise HTTPException(
                429,
                f"Expected at most {self.capacity} images at a time, and {self.taken} are in work; try again later.",
                {"Retry-After": str(self._seconds_left())},
            )

    def _enter(self, count: int) -> None:
        self.check(count)
        if not self.taken:
            self._since = time.monotonic()
        self.taken += count

    def _leave(self, count: int) -> None:
        self.taken -= count
        self._done += count
        if count and not self.taken:
            self._busy += time.monotonic() - self._since

    def _seconds_left(self) -> int:
        """How many seconds what is in work will take, by what the work so far took; at least 1."""
        busy = self._busy + (time.monotonic() - self._since if self.taken else 0.0)
        return max(1, min(60, math.ceil(self.taken * busy / self._done))) if self._done else 1


class Places:
    """The places of one request.

    Attributes:
        count: How many there are.
    """

    def __init__(self, room: Room):
        self._room, self.count = room, 0

    def take(self, count: int) -> None:
        """Take more.

        Raises:
            HTTPException: 429 if there are not as many.
        """
        self._room._enter(count)
        self.count += count
