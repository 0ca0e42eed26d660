"""Where drawn data sets are written: a directory that holds nothing else, or an earlier drawing that may be replaced."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from mtlzoo.errors import OutputError
from mtlzoo.files import check_folder, check_output, shown
from mtlzoo.files.kinds import VALUELESS

__all__ = ["Drawing", "check_numbers"]

# Lists what was drawn, a path a line, each before its file is written; nothing else is ever removed.
MARKER = ".mtlzoo-drawn.txt"
HEADING = "Files that mtlzoo drew; it replaces these and no others."


def check_numbers(images: int, tests: int, seed: int) -> None:
    """Refuses invalid numbers of images, and invalid seeds.

    Raises:
        ValueError: if `images` is below 1, or `tests` or `seed` below 0.
    """
    if images < 1:
        raise ValueError(f"Expected `images` to be at least 1, received: {images}")
    if tests < 0 or seed < 0:
        raise ValueError(f"Expected `tests` and `seed` to be at least 0, received: tests={tests}, seed={seed}")


class Drawing:
    """A directory that a data set is drawn into, cleared of an earlier one.

    Args:
        directory: made if it does not exist.
        names: the files and folders of the data set; the folders, whose names have no suffix, are made.
        overwrite: whether a directory with something in it may be written to, and an earlier drawing in it replaced.

    Raises:
        OutputError: if `directory` is a file, is not empty and `overwrite` is false, or has something under one of the
            names that was not drawn.
    """

    def __init__(self, directory: str | pathlib.Path, names: Sequence[str], overwrite: bool) -> None:
        self.directory = check_folder(directory, overwrite=overwrite)
        self._list = check_output(self.directory / MARKER, overwrite=True)  # which is neither a link nor a pipe
        earlier = _earlier(self.directory)
        strange = next((path for name in names for path in _files(self.directory, name) if path not in earlier), None)
        if strange is not None:
            raise OutputError(
                f"{shown(self.directory)} holds {shown(strange)}, which mtlzoo has not drawn, so that it is left as it is; "
                "choose another directory, or move that away."
            )
        for name in names:
            _remove(self.directory, name)
        for folder in ["", *(name for name in names if not pathlib.PurePath(name).suffix)]:
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        drawn = sorted(
            path for path in earlier if path.split("/")[0] not in names
        )  # another layout's in the same place
        self._list.write_text("".join(f"{line}\n" for line in [HEADING, *drawn]), encoding="utf-8", newline="\n")

    def write(self, path: str, data: bytes) -> None:
        """Write a file, `path` being relative to the directory, with `/` between folders."""
        with open(self._list, "a", encoding="utf-8", newline="\n") as file:
            file.write(f"{path}\n")
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _earlier(directory: pathlib.Path) -> set[str]:
    marker = directory / MARKER
    if marker.is_symlink() or not marker.is_file():
        return set()
    heading, *drawn = marker.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    return set(drawn) if heading == HEADING else set()


def _files(directory: pathlib.Path, name: str) -> list[str]:
    """All files and links at or below a name. Links are not followed."""
    top = directory / name
    if top.is_symlink() or not top.is_dir():
        return [name] if os.path.lexists(top) else []
    found = []
    for place, folders, files in os.walk(top):
        links = [folder for folder in folders if os.path.islink(os.path.join(place, folder))]
        paths = (pathlib.Path(place, file) for file in [*files, *links] if file not in VALUELESS)
        found += [path.relative_to(directory).as_posix() for path in paths]
    return found


def _remove(directory: pathlib.Path, name: str) -> None:
    """Remove a file, or a folder of files all of which were drawn."""
    top = directory / name
    if not top.is_dir():
        top.unlink(missing_ok=True)
        return
    for place, _, files in os.walk(top, topdown=False):
        for file in files:
            os.unlink(os.path.join(place, file))
        os.rmdir(place)
