"""How a writer knows its own folders again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

# What file managers leave in any folder that they show; which may be lost.
VALUELESS = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class FolderKind:
    """What the folders of one writer hold, by which they are told from all others.

    Attributes:
        name: What messages call such a folder, with its article: `a packed table`.
        marker: A file that every one of them has, relative to the folder.
        keys: What the marker, an object in JSON, holds at least; empty where it is no JSON.
        files: Patterns of all files there may be, relative to the folder, with `/` between folders; those that end in `/`
            are folders that may be empty.

    Example:

    ```python
    kind = mtl.files.FolderKind("a page", "index.html", keys=(), files=("index.html", "pictures/*.png"))
    kind.why_not(Path("images"))  # "it is not a page that mtlzoo wrote"
    ```
    """

    name: str
    marker: str
    keys: tuple[str, ...]
    files: tuple[str, ...]

    def why_not(self, folder: Path) -> str | None:
        """Why a folder is not of this kind, or what else it holds; `None` where it is of this kind alone."""
        if not self._is_marked(folder):
            return f"it is not {self.name} that mtlzoo wrote"
        strange = next((name for name in _entries(folder) if not self._knows(name)), None)
        return None if strange is None else f"it holds {strange!r}, which is no part of {self.name}"

    def _is_marked(self, folder: Path) -> bool:
        marker = folder / self.marker
        if not marker.is_file():
            return False
        if not self.keys:
            return True
        try:
            content = json.loads(marker.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(content, dict) and set(self.keys) <= content.keys()

    def _knows(self, name: str) -> bool:
        if name.rsplit("/", 1)[-1] in VALUELESS:
            return True
        return any(name.count("/") == known.count("/") and fnmatchcase(name, known) for known in self.files)


def _entries(folder: Path) -> Iterator[str]:
    """All files, links and empty folders below a folder, which end in `/`. Links are not followed."""
    for place, folders, files in os.walk(folder):
        below = Path(place).relative_to(folder).as_posix()
        start = "" if below == "." else f"{below}/"
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        yield from (f"{start}{name}" for name in [*files, *links])
        if start and not files and not folders:
            yield start
