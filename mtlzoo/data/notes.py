"""What readers have to say about their source."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from mtlzoo.data.columns import IMAGE

NAMED = 5


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 name", "23,708 names"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def name_images(images: Iterable[str], noun: str, what: str) -> list[str]:
    """The note that some images are so and so, with their number and the names of the first few; none for none."""
    images = list(images)
    named = ", ".join(images[:NAMED]) + (", ..." if len(images) > NAMED else "")
    return [f"{count(len(images), noun)} {what}: {named}"] if images else []


def name_unreadable(frame: pd.DataFrame, columns: Iterable[str], noun: str) -> list[str]:
    """A note for each column of labels of which some are missing."""
    return [
        note
        for column in columns
        for note in name_images(frame.loc[frame[column].isna(), IMAGE], noun, f"without a readable {column}")
    ]
