"""What a command says beside its result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def tell_notes(table: Any, told: int = 0, quiet: bool = False) -> None:
    """Print the notes of a table, from the one that comes after those that were told."""
    for note in () if quiet else table.notes[told:]:
        print(f"Note: {note}", file=sys.stderr)


def tell_skipped(lines: Sequence[str], quiet: bool = False) -> None:
    """Print which images were left out, and why."""
    for line in () if quiet else lines:
        print(f"Skipped {line}", file=sys.stderr)


def say(text: str, file: Any = None) -> None:
    """Print a text at once."""
    print(text, file=file, flush=True)


def say_nothing(text: str, file: Any = None) -> None:
    """What stands in place of `say` where nothing is to be printed."""
