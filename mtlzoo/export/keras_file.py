"""The `.keras` file: a zip archive with graph, weights and metadata."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras

from mtlzoo.export.metadata import KEY

MEMBER = f"{KEY}.json"


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, and the metadata as one more member of the archive."""
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, metadata)


def read_metadata(path: Path) -> str | None:
    """The metadata of a file.

    Raises:
        ValueError: If it is no archive with a model.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no `.keras` archive.")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names:
            raise ValueError(f"{path} holds no model.")
        return archive.read(MEMBER).decode() if MEMBER in names else None
