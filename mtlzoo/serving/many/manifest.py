"""What a folder of predictions was begun with, so that nothing else goes on in it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mtlzoo import __version__
from mtlzoo.errors import OutputError
from mtlzoo.files import check_folder, is_temporary, remove_leftovers, shown, writing
from mtlzoo.files.kinds import VALUELESS

FILE = "_manifest.json"
VERSION = 1
FILES = ("predictions-*-of-*.*", "_unreadable-*-of-*.csv")


@dataclass(frozen=True)
class Manifest:
    """What all files of a folder have in common, whichever process wrote them.

    Attributes:
        model: A checksum over the model.
        images: A checksum over the list of images.
        rows: How many images there are.
        rows_per_file: How many of them each file has.
        settings: How they are predicted and written, by the names of the arguments.
        files: How many files there are.
    """

    model: str
    images: str
    rows: int
    rows_per_file: int
    settings: Mapping[str, Any]
    files: int

    def differences(self, known: Mapping[str, Any]) -> list[str]:
        """What of a folder's manifest is another, as a message says it."""
        own, told = asdict(self), dict(known)
        mine, theirs = own.pop("settings"), told.get("settings") or {}
        found = []
        if own["model"] != told.get("model"):
            found.append("another model")
        if own["images"] != told.get("images"):
            found.append(f"another list of images ({told.get('rows')} of them; now {self.rows})")
        if own["rows_per_file"] != told.get("rows_per_file"):
            found.append(f"rows_per_file={told.get('rows_per_file')} (now {self.rows_per_file})")
        for name in sorted({*mine, *theirs}):
            if mine.get(name) != theirs.get(name):
                found.append(f"{name}={theirs.get(name)!r} (now {mine.get(name)!r})")
        return found


def begin(folder: Path, manifest: Manifest, overwrite: bool) -> None:
    """Begin in a folder, or go on in it.

    Args:
        folder: A folder that is new, empty or was begun with the same.
        manifest: What is to be written there.
        overwrite: Whether predictions that are there are removed, to begin anew.

    Raises:
        OutputError: If something else is there.
    """
    path = folder / FILE
    if overwrite and path.exists():
        _empty(folder)
    if not path.exists():
        content = json.dumps({"version": VERSION, "mtlzoo": __version__, **asdict(manifest)}, indent=2)
        with contextlib.suppress(OutputError), writing(path) as temporary:  # another process may have been quicker
            temporary.write_text(f"{content}\n", encoding="utf-8")
    known = read(path)
    if known.get("version") != VERSION:
        raise OutputError(f"{shown(folder)} was begun by another version of mtlzoo and is left as it is; {_ELSE}.")
    if found := manifest.differences(known):
        raise OutputError(f"{shown(folder)} was begun with {'; '.join(found)}, and is left as it is; {_ELSE}.")


_ELSE = "go on with the same, name another folder, or begin anew with overwrite=True (--overwrite)"


def read(path: Path) -> dict[str, Any]:
    """What a manifest holds.

    Raises:
        OutputError: If it is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    except (ValueError, RecursionError):
        pass
    raise OutputError(f"{shown(path)} is damaged: it is no manifest that mtlzoo wrote; name another folder.")


def check(folder: Path, inputs: Iterable[str | os.PathLike[str]]) -> Path:
    """Refuse a folder that holds anything but predictions, before anything is looked at.

    Raises:
        OutputError: If it holds something else, or lies inside of one of the inputs.
    """
    remove_leftovers(folder)
    names = os.listdir(folder) if folder.is_dir() else []
    known = (FILE, *FILES, *VALUELESS) if FILE in names else VALUELESS  # without a manifest nobody knows whose they are
    for name in names:  # other processes may be writing there
        if not (is_temporary(name) or any(fnmatchcase(name, pattern) for pattern in known)):
            raise OutputError(
                f"{shown(folder)} is left as it is: it holds {shown(name)}, which is no part of predictions that were begun "
                "there; choose another folder."
            )
    return check_folder(folder, overwrite=True, inputs=inputs)


def _empty(folder: Path) -> None:
    """Remove the predictions; the manifest last, so that what is left of them is still known for what it is."""
    for pattern in FILES:
        for path in folder.glob(pattern):
            path.unlink()
    (folder / FILE).unlink()
