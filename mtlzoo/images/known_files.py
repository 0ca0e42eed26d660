"""What reading image files has told of them, so that no check, comparison or digest reads one again."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

# A file takes one slot, whatever the length of its path; at most two thirds of the slots are taken.
SLOT = np.dtype(
    [("key", "u8"), ("digest", "V16"), ("height", "u4"), ("width", "u4"), ("largest", "u2"), ("flags", "u2")]
)
FEWEST = 1 << 10
DECODED, DEEP = 1, 2


class Facts(NamedTuple):
    """What is known of a file.

    Attributes:
        digest: The BLAKE2b hash of its bytes, 16 bytes.
        size: The (height, width) that a viewer shows, where the image has been decoded, otherwise `None`.
        largest: The largest of its samples, where these have 16 bits and the image has been decoded.
    """

    digest: bytes
    size: tuple[int, int] | None = None
    largest: int | None = None


class KnownFiles:
    """Facts by a 64-bit key: a hash table of a few dozen bytes a file, as a table may have a million of them."""

    def __init__(self) -> None:
        self._slots = np.zeros(FEWEST, SLOT)
        self._used = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self._slots.nbytes

    def get(self, key: int) -> Facts | None:
        """What is known under a key, `None` where nothing is."""
        with self._lock:
            slot = self._slots[self._find(self._slots, key)]
        if slot["key"] != key:
            return None
        flags = int(slot["flags"])
        size = (int(slot["height"]), int(slot["width"])) if flags & DECODED else None
        return Facts(slot["digest"].tobytes(), size, int(slot["largest"]) if flags & DEEP else None)

    def put(self, key: int, facts: Facts) -> None:
        """Remember facts under a key above 0."""
        height, width = facts.size or (0, 0)
        flags = DECODED * (facts.size is not None) | DEEP * (facts.largest is not None)
        with self._lock:
            if 3 * self._used >= 2 * len(self._slots):
                self._grow()
            place = self._find(self._slots, key)
            self._used += int(self._slots["key"][place] == 0)
            self._slots[place] = (key, np.void(facts.digest), height, width, facts.largest or 0, flags)

    def _grow(self) -> None:
        larger = np.zeros(2 * len(self._slots), SLOT)
        for slot in self._slots[self._slots["key"] != 0]:
            larger[self._find(larger, int(slot["key"]))] = slot
        self._slots = larger

    @staticmethod
    def _find(slots: np.ndarray, key: int) -> int:
        """The place of a key, or the empty one where it belongs."""
        keys, last = slots["key"], len(slots) - 1
        place = key & last
        while keys[place] not in (0, key):
            place = (place + 1) & last
        return place
