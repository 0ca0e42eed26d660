"""Files and folders are written beside their target and moved into place: a crash leaves the old one or the new one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtlzoo.errors import MtlzooError
from mtlzoo.files.checks import check_output, shown
from mtlzoo.files.kinds import FolderKind
from mtlzoo.files.moving import move
from mtlzoo.files.temporary import make_temporary, remove_leftovers, remove_temporary

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
LITTLE = 4096  # bytes


@contextmanager
def writing(
    path: str | os.PathLike[str],
    *,
    kind: FolderKind | None = None,
    overwrite: bool = False,
    tidy: bool = True,
) -> Iterator[Path]:
    """Give a temporary path in the same folder, and move what was written there to `path` at the end.

    Args:
        path: The target; its parent folders are made.
        kind: What the folder to write is; `None` for a file.
        overwrite: Whether what is there may be replaced, see :func:`check_output`.
        tidy: Whether to remove what killed writers have left beside the target. Caches of many files do so when they are
            opened.

    Yields:
        A path that does not exist yet, with the target's name.

    Raises:
        OutputError: If it is not to be written there; before anything is written.
        OSError: If no space is left there, files may not become so large, or the folder is removed meanwhile, whatever the
            library that writes says of it.
        FileNotFoundError: If nothing was written.

    Example:

    ```python
    with writing("report.csv") as temporary:
        frame.to_csv(temporary)
    ```
    """
    path = Path(path)
    if tidy:
        remove_leftovers(path.parent)
    path = check_output(path, kind=kind, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = make_temporary(path.parent)
    temporary = folder / path.name
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written for {shown(path)}.")
        check_output(path, kind=kind, overwrite=overwrite)  # again: another process may have written there meanwhile
        move(temporary, path, kind, overwrite)
    except Exception as error:
        if (reason := _reason(error, folder)) is not None:
            raise OSError(f"{shown(path)} cannot be written: {reason}; it is as it was.") from None
        raise
    finally:
        remove_temporary(folder)


def _reason(error: Exception, folder: Path) -> str | None:
    """Why nothing can be written, which each library says in its own way; `None` if it is something else."""
    if isinstance(error, MtlzooError):
        return None
    number, text = getattr(error, "errno", None), str(error)
    if number in FULL or "No space left on device" in text or "quota exceeded" in text:
        return "no space is left there"
    if number == errno.EFBIG or "File too large" in text:
        return "files may not become so large there"
    if not folder.is_dir():
        return f"{shown(folder.parent)} was removed or moved while it was written"
    return "no space is left there" if shutil.disk_usage(folder).free < LITTLE else None
