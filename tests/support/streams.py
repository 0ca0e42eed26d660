"""Streams on which a line can be drawn over."""

from __future__ import annotations

import io


class Terminal(io.StringIO):
    """A stream that says that it is a terminal; pytest's own comes back after each fixture."""

    def isatty(self) -> bool:
        return True


class Notebook(io.StringIO):
    """What Jupyter puts in the place of a stream: known by its module, and no terminal."""


Notebook.__module__ = "ipykernel.iostream"
