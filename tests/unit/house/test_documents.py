"""The pages that are not executed: words, versions, links."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

import mtlzoo

ROOT = Path(__file__).parents[3]
NAMES = re.compile(r"`(mtl|mtlzoo)((?:\.\w+)+)`")
IMPORTING = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "scripts").rglob("*.py")])
PAGES = [*(ROOT / "docs" / name for name in ("glossary.md", "versioning.md")), ROOT / "CONTRIBUTING.md"]


def find(path: str) -> object:
    """What a dotted name below the package stands for, modules that are not loaded yet too."""
    found, name = mtlzoo, "mtlzoo"
    for part in path.strip(".").split("."):
        name = f"{name}.{part}"
        found = getattr(found, part, None) or importlib.import_module(name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_names_on_a_page_exist(page):
    for _, path in NAMES.findall(page.read_text(encoding="utf-8")):
        assert find(path) is not None


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_paths_on_a_page_exist(page):
    for path in re.findall(r"`((?:tests|mtlzoo|scripts|docs|notebooks)/[\w./-]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


def test_the_glossary_has_each_term_once():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = [term for row in re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE) for term in row.split(", ")]
    assert len(terms) > 50
    assert len(set(terms)) == len(terms)


def test_the_house_in_the_guide_is_the_one_that_is_tested():
    from test_structure import FLOORS

    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", text, re.MULTILINE)
    floors = {room.strip("`/").removesuffix(".py"): int(floor) for floor, rooms in rows for room in rooms.split(", ")}
    assert floors == {room: floor for room, floor in FLOORS.items() if room != "__main__"}


def test_the_citation_has_the_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", text, re.MULTILINE).group(1) == mtlzoo.__version__


def test_the_changelog_has_the_sections_of_its_form():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0].startswith("[Unreleased]")
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= {
        *("Added", "Changed", "Deprecated", "Fixed", "Removed", "Security")
    }


def test_the_table_of_registries_lists_every_entry():
    from mtlzoo.backbones import BACKBONES
    from mtlzoo.system import registries

    text = (ROOT / "docs" / "guides" / "plugins.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `.+?` \| `(.+?)` \| .+ \| (.+) \|$", text, re.MULTILINE))
    known = [registry for name in registries.__all__ if (registry := getattr(registries, name)).group is not None]
    assert set(rows) == {registry.group for registry in (*known, BACKBONES)}
    for registry in known:
        assert re.findall(r"`(.+?)`", rows[registry.group]) == registry.names(plugins=False)


def imported(path: Path) -> list[tuple[str, str]]:
    """The modules of the package and the names that a notebook or a script takes from them."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        text = re.sub(r"^( *)[%!].*", r"\1pass", "\n".join("".join(cell) for cell in cells), flags=re.MULTILINE)
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    found = [node for node in found if (node.module or "").split(".")[0] == "mtlzoo"]
    return [(str(node.module), alias.name) for node in found for alias in node.names]


@pytest.mark.parametrize("path", IMPORTING, ids=[str(path.relative_to(ROOT)) for path in IMPORTING])
def test_what_notebooks_and_scripts_import_exists(path):
    for module, name in imported(path):
        assert find(f"{module.removeprefix('mtlzoo')}.{name}") is not None, f"{module}.{name}"


def exported() -> dict[str, Any]:
    """What the package and its rooms export, each thing once, by its name."""
    rooms = ["", *(f".{path.parent.name}" for path in sorted((ROOT / "mtlzoo").glob("*/__init__.py")))]
    found: dict[int, tuple[str, Any]] = {}
    for room in rooms:
        module = importlib.import_module(f"mtlzoo{room}")
        for name in getattr(module, "__all__", []):
            value = getattr(module, name)
            if callable(value) and not inspect.ismodule(value):
                found.setdefault(id(value), (f"mtlzoo{room}.{name}", value))
    return dict(found.values())


@pytest.fixture(scope="module")
def documented() -> dict[str, tuple[str, Any]]:
    """The docstring of what is exported, and the thing itself."""
    return {name: (inspect.getdoc(value) or "", value) for name, value in exported().items()}


def test_everything_exported_has_an_example(documented):
    assert [name for name, (text, _) in documented.items() if "Example:\n\n```python\n" not in text] == []


def test_everything_exported_says_what_it_takes(documented):
    def takes(value: Any) -> bool:
        try:
            return bool(inspect.signature(value).parameters)
        except ValueError:  # a class without a constructor of its own
            return False

    lacking = [name for name, (text, value) in documented.items() if takes(value) and "Args:\n" not in text]
    assert [name for name in lacking if not is_dataclass(documented[name][1])] == []
    assert [name for name in lacking if "Attributes:\n" not in documented[name][0]] == []


def test_every_exported_function_says_what_it_returns(documented):
    def returns(value: Any) -> bool:
        return inspect.isfunction(value) and inspect.signature(value).return_annotation not in (None, "None")

    found = [name for name, (text, value) in documented.items() if returns(value)]
    assert [name for name in found if not re.search(r"^(Returns|Yields):\n", documented[name][0], re.MULTILINE)] == []
