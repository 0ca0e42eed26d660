"""What may be written where: looked at before anything is computed, and again before it is moved into place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from mtlzoo.errors import OutputError
from mtlzoo.files.kinds import FolderKind

LONGEST = 200  # letters of a path in a message
AGAIN = "or say overwrite=True (on the command line --overwrite)"

Identity = tuple[int, int]


def check_output(
    path: str | os.PathLike[str],
    *,
    kind: FolderKind | None = None,
    overwrite: bool = False,
    inputs: Iterable[str | os.PathLike[str]] = (),
) -> Path:
    """Refuse to write where something would be lost. Nothing is changed.

    A file never takes the place of a folder, nor a folder that of a file. Links, devices and pipes are left alone. What is
    there is replaced only if `overwrite` says so, and a folder that holds something only if the same writer made it and
    nothing else lies in it.

    Args:
        path: Where to write.
        kind: What the folder to write is; `None` for a file.
        overwrite: Whether what is there may be replaced.
        inputs: Files and folders that are read; the output may not be, hold or lie inside one of them.

    Returns:
        The path.

    Raises:
        OutputError: If it is not to be written there.
        PermissionError: If files cannot be made there.

    Example:

    ```python
    check_output("predictions.csv", inputs=["model.h5", "a.jpg"])
    ```
    """
    path = _named(path)
    status = _status(path)
    if status is None:
        _check_parents(path, path)
    elif stat.S_ISLNK(status.st_mode):
        raise OutputError(
            f"{shown(path)} is a link to {shown(os.readlink(path))} and is left as it is; name another place."
        )
    elif stat.S_ISDIR(status.st_mode):
        if kind is None:
            raise OutputError(f"{shown(path)} is a folder and is left as it is: a file was to be written; name a file.")
    elif not stat.S_ISREG(status.st_mode):
        raise OutputError(f"{shown(path)} is neither a file nor a folder and is left as it is; name another place.")
    elif kind is not None:
        raise OutputError(f"{shown(path)} is a file and is left as it is: a folder was to be written; name a folder.")
    _check_inputs(path, inputs)
    if status is None or (kind is not None and _is_empty(path)):
        return path
    if not overwrite:
        raise OutputError(f"{shown(path)} exists already and is left as it is; choose another name {AGAIN}.")
    if kind is not None and (reason := kind.why_not(path)):
        raise OutputError(f"{shown(path)} is left as it is: {reason}; choose another folder.")
    _check_parents(path, path)  # the new one is written beside the old one
    return path


def check_folder(
    path: str | os.PathLike[str], *, overwrite: bool = False, inputs: Iterable[str | os.PathLike[str]] = ()
) -> Path:
    """Refuse a folder to write several files into. Nothing is changed, and nothing in it is ever removed.

    Args:
        path: The folder, which need not exist; a link to a folder is followed.
        overwrite: Whether the folder may hold something.
        inputs: As for :func:`check_output`.

    Returns:
        The path.

    Raises:
        OutputError: If the files are not to be written there.
        PermissionError: If files cannot be made there.

    Example:

    ```python
    mtl.files.check_folder("run")
    ```
    """
    path = _named(path)
    if path.is_dir():
        if not overwrite and not _is_empty(path):
            raise OutputError(f"{shown(path)} has something in it and is left as it is; choose another folder {AGAIN}.")
    elif (status := _status(path)) is not None:
        what = "a file" if stat.S_ISREG(status.st_mode) else "something else"
        raise OutputError(f"Expected a folder to write into, received {what}: {shown(path)}, which is left as it is.")
    _check_parents(path / "file", path)
    _check_inputs(path, inputs)
    return path


def shown(path: str | os.PathLike[str]) -> str:
    """A path as a message has it: on one line, and not longer than that.

    Args:
        path: The path.

    Returns:
        The text.

    Example:

    ```python
    mtl.files.shown("a\\nb.png")  # "'a\\\\nb.png'"
    ```
    """
    text = os.fspath(path)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
    return text if text.isprintable() else ascii(text)


def _named(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    return path if path.name not in ("", "..") else path.resolve()


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{shown(path)} cannot be written: {reason}.") from None


def _is_empty(path: Path) -> bool:
    with os.scandir(path) as entries:
        return next(entries, None) is None


def _check_parents(path: Path, named: Path) -> None:
    existing = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not existing.is_dir():
        raise OutputError(
            f"{shown(named)} cannot be written, since {shown(existing)} is no folder; name another place."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(f"{shown(named)} cannot be written: no permission to write into {shown(existing)}.")


# === Inputs ===


def _check_inputs(path: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    sources = [os.fspath(source) for source in inputs]
    if not sources:
        return
    place = os.path.realpath(path)
    own, above = _identity(place), {_identity(parent) for parent in Path(place).parents}
    folders: dict[str, bool] = {}
    for source in sources:
        found = _identity(source)
        if found is None:
            continue
        if found == own:
            raise OutputError(f"{shown(path)} is one of the inputs and is left as it is; name another place.")
        if found in above:
            raise OutputError(f"{shown(path)} would lie inside the input {shown(source)}; name another place.")
        if own is not None and _holds(own, source, folders):
            raise OutputError(
                f"{shown(path)} holds the input {shown(source)} and is left as it is; name another place."
            )


def _holds(own: Identity, source: str, folders: dict[str, bool]) -> bool:
    """Whether a place holds an input; the folders of inputs, which are few, are looked up once."""
    folder = os.path.dirname(os.path.realpath(source) if os.path.islink(source) else source)
    if folder not in folders:
        real = Path(os.path.realpath(folder))
        folders[folder] = any(_identity(above) == own for above in (real, *real.parents))
    return folders[folder]


def _identity(path: str | os.PathLike[str]) -> Identity | None:
    """What a file is known by under all its names: links, hard links, other cases; `None` if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
