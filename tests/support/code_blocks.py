"""Code blocks in Markdown and in docstrings, found and run.

A block of a page that cannot run has a comment on the line before it, `<!-- not run: REASON -->`; all others run.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    """What stands between two fences of a page, and why it is not run, if it is not."""

    language: str
    code: str
    reason: str | None


def fenced(text: str) -> list[Block]:
    """All blocks of a page, in their order."""
    return [Block(found["language"], found["code"], found["reason"]) for found in FENCE.finditer(text)]


def blocks(language: str, text: str) -> list[str]:
    """What stands between the fences of a language, but for what cannot run."""
    return [block.code for block in fenced(text) if block.language == language and block.reason is None]


def commands(text: str) -> list[list[str]]:
    """The words of each command of a page that can run."""
    lines = "".join(blocks("console", text)).replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


def run(code: list[str], source: str, names: dict[str, Any]) -> None:
    """Run blocks one after the other, with the names that there are and those that they make."""
    for block in code:
        exec(compile(block, source, "exec"), names)


def documented(path: Path) -> Iterator[tuple[str, str]]:
    """The name and the docstring of a module and of everything in it that has one, without importing it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield getattr(node, "name", ""), text
