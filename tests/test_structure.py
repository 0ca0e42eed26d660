"""The rules of the house: rooms import downwards only, modules stay small, importing is light."""

from __future__ import annotations

import ast
from pathlib import Path

import mtlzoo

ROOT = Path(mtlzoo.__file__).parent
FLOORS = {
    **dict.fromkeys(["workers", "errors"], 0),
    **dict.fromkeys(
        [
            *("_version", "startup", "files", "progress", "memory", "masking", "placement", "boxes"),
            "regular_files",
            "layer_names",
        ],
        1,
    ),
    **dict.fromkeys(["losses", "metrics"], 2),
    **dict.fromkeys(["heads", "backbones", "balancing"], 3),
    **dict.fromkeys(["models", "data"], 4),
    **dict.fromkeys(["training", "evaluation", "export"], 5),
    **dict.fromkeys(["runs"], 6),
    "argument_types": 6,
    "arguments": 7,
    "cli": 8,
    "__main__": 9,
}
# The package itself only says where public names are found, and loads them when they are used.
MODULES = [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "mtlzoo" else [f"mtlzoo.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("mtlzoo.")}
    return rooms


def test_rooms_import_downwards_only():
    for path in MODULES:
        for other in imported_rooms(path) - {room(path)}:
            assert FLOORS[other] < FLOORS[room(path)], f"{path.relative_to(ROOT)} imports {other}"


def test_modules_are_small():
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in MODULES}
    assert max(lengths.values()) <= 400, max(lengths, key=lengths.get)


def test_public_names_exist():
    for name in mtlzoo.__all__:
        assert getattr(mtlzoo, name) is not None
