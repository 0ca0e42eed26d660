"""Files are written beside their target and moved into place: a crash leaves the old one or the new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder, and move what was written there to `path` at the end.

    Args:
        path: The target, a file or a folder; its parent folders are made. An existing target is replaced.

    Yields:
        A path that does not exist yet, with the target's name.

    Raises:
        FileNotFoundError: If nothing was written there.

    Example:

    ```python
    with replacing("report.csv") as temporary:
        frame.to_csv(temporary)
    ```
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=path.parent))
    temporary = folder / path.name
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written for {path}.")
        if path.is_dir():
            _replace_folder(temporary, path, aside=folder / f"old-{path.name}")
        else:
            os.replace(temporary, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace_folder(new: Path, path: Path, aside: Path) -> None:
    """A folder cannot be replaced in one step: the old one goes aside first, and comes back if that was too early."""
    os.replace(path, aside)
    try:
        os.replace(new, path)
    except BaseException:
        os.replace(aside, path)
        raise
