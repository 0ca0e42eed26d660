"""The pages that are not executed: words, versions, links."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

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
    rows = re.findall(r"^\| (\d) \| (.+?) \|", text, re.MULTILINE)
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

    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
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
        text = "\n".join(line for cell in cells for line in "".join(cell).splitlines() if line[:1] not in "%!")
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    found = [node for node in found if (node.module or "").split(".")[0] == "mtlzoo"]
    return [(str(node.module), alias.name) for node in found for alias in node.names]


@pytest.mark.parametrize("path", IMPORTING, ids=[str(path.relative_to(ROOT)) for path in IMPORTING])
def test_what_notebooks_and_scripts_import_exists(path):
    for module, name in imported(path):
        assert find(f"{module.removeprefix('mtlzoo')}.{name}") is not None, f"{module}.{name}"
