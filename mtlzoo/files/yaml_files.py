"""Files that people read and change: YAML, of which JSON is a part."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from mtlzoo.files.regular import open_regular
from mtlzoo.files.writing import writing

SUFFIXES = (".yaml", ".yml", ".json")


def write_yaml(path: str | os.PathLike[str], content: Any, notes: str = "", *, overwrite: bool = False) -> Path:
    """Write what JSON can hold, paths as texts.

    Args:
        path: The file.
        content: What is written, in its order.
        notes: Lines that stand above it as comments.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: If the file is there and not to be replaced.
    """
    comments = "".join(f"# {line}\n" for line in notes.splitlines())
    # By way of JSON, which has no objects of Python and no references.
    plain = json.loads(json.dumps(content, default=str))
    with writing(path, overwrite=overwrite) as temporary:
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
        temporary.write_text(comments + text, encoding="utf-8", errors="backslashreplace")
    return Path(path)


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """What a YAML or JSON file holds.

    Raises:
        ValueError: If it is neither; the message names the file and what is wrong.
        OSError: If it cannot be read.
    """
    with open_regular(path) as file:
        data = file.read()
    try:
        return yaml.load(data, _Loader)
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError) as error:  # such as 2024-13-45
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: expected YAML or JSON, received something else: {reason}") from None


class _Loader(yaml.SafeLoader):
    """Numbers as JSON and YAML 1.2 have them: `1e-3` is one, too. No references, of which a few lines make billions."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not read")
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)
