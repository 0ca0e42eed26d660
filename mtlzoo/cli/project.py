"""Write a small project: a script, its settings, a page and a list of what git ignores."""

from __future__ import annotations

import json
import os
import shlex
import string
from importlib import resources
from pathlib import Path

from mtlzoo import __version__
from mtlzoo.files import check_folder, writing
from mtlzoo.files.regular import require_file

TEMPLATE = resources.files("mtlzoo.cli") / "template"
FILES = {"train.py": "train.py", "config.toml": "config.toml", "README.md": "README.md", "gitignore": ".gitignore"}
BUNDLED, ITS_SIZE = "blood_cells", 96  # pixels of its photographs
SIZE = 128


def write_project(folder: Path, table: Path | None = None) -> Path:
    """Write a project into a new or an empty folder.

    Args:
        folder: The folder.
        table: The label file to train on; by default photographs of blood cells, which come with the package.

    Returns:
        The folder.

    Raises:
        OutputError: If the folder has something in it.
        FileNotFoundError: If there is no such label file.
    """
    check_folder(folder)
    if table is not None:
        require_file(table, "label file")
    values = {
        "table": _quoted(BUNDLED if table is None else _seen_from(folder, table)),
        "size": str(ITS_SIZE if table is None else SIZE),
        "name": folder.resolve().name,
        "version": __version__,
    }
    for source, target in FILES.items():
        text = (TEMPLATE / source).read_text(encoding="utf-8")
        with writing(folder / target) as temporary:
            written = string.Template(text).substitute(values)
            temporary.write_text(written, encoding="utf-8", errors="backslashreplace")  # names may be no text at all
    return folder


def describe_project(folder: Path) -> str:
    """What was written, and what to type next."""
    return (
        f"Wrote {folder}: train.py, which says at each step what it does, config.toml with its settings, README.md.\n"
        f"Type next: python {shlex.quote(str(folder / 'train.py'))}"
    )


def _seen_from(folder: Path, table: Path) -> str:
    """The path of a table relative to a folder, with `/` between folders; absolute where it is on another drive."""
    try:
        path = Path(os.path.relpath(table.resolve(), folder.resolve()))
    except ValueError:
        path = table.resolve()
    return path.as_posix()


def _quoted(text: str) -> str:
    """A text as TOML writes it, whose basic strings are those of JSON but for one letter."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
