"""Code blocks in Markdown and in docstrings, found and run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def blocks(language: str, text: str) -> list[str]:
    """What stands between the fences of a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


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
