"""Small label files for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mtlzoo.data import LabelTable, TableError, read_csv


def write(folder: Path, text: str | bytes, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def column(folder: Path, labels: Sequence[Any], **arguments: Any) -> LabelTable:
    """A table with one column of labels, `a`."""
    lines = [f"{row}.png,{label}" for row, label in enumerate(labels)]
    return read_csv(write(folder, "\n".join(["image,a", *lines, ""])), **arguments)


def refusal(path: Path, **arguments: Any) -> str:
    """The message of the one line that refuses a file."""
    with pytest.raises(TableError) as caught:
        read_csv(path, **arguments)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert "\n" not in message
    assert len(message) < 2000
    return message
