"""From paths, folders and patterns to image files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from mtlzoo.data.folders import images_below
from mtlzoo.errors import InputError
from mtlzoo.evaluation.fetching import is_url


def list_files(images: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Files, the images in folders (hidden ones aside), and the files that fit patterns, in order.

    Raises:
        InputError: If a folder has no images, or a pattern fits no file.
    """
    return [file for image in images for file in _files(os.fsdecode(image))]


def _files(path: str) -> list[str]:
    """The files that a path stands for; one that is not there stands for itself."""
    if is_url(path):
        raise InputError(f"{path} is an address, and nothing is fetched here: download it first.")
    if os.path.isdir(path):
        found = sorted(images_below(path))
        if not found:
            raise InputError(f"Expected images in the folder {path}, received one without any.")
        return [str(Path(path, file)) for file in found]
    if not glob.has_magic(path) or os.path.lexists(path):
        return [path]
    found = sorted(file for file in glob.glob(path, recursive=True) if not os.path.isdir(file))
    if not found:
        raise InputError(f"Expected files that fit the pattern {path!r}, received none.")
    return found
