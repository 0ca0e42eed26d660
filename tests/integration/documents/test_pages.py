"""Every code block of `docs/` runs as it stands there, or says why not; every command is one, every link leads somewhere."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from asked import usually
from code_blocks import blocks, commands, fenced, run
from small_reader import small_reader

from mtlzoo.cli.main import main
from mtlzoo.cli.parser import parser

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
WITH_PYTHON = [page for page in PAGES if blocks("python", TEXTS[page])]
# They take many seconds.
LONG = {DOCS / "guides" / f"{name}.md" for name in ("boxes", "caching", "faces", "recipes")}
# How many blocks are not run, and why.
NOT_RUN = {
    "installs packages": 2,
    "it downloads weights": 1,
    "it needs KerasHub": 2,
    "it needs a running server": 1,
    "it needs trackers": 2,
    "it trains many times": 1,
    "needs several machines": 1,
    "needs the package `speckle`": 1,
}
# The page whose commands are all run; those of others are parsed.
RUN = DOCS / "guides" / "own-data.md"


def name(page: Path) -> str:
    return page.relative_to(DOCS).with_suffix("").as_posix()


@pytest.mark.parametrize("page", usually(set(WITH_PYTHON) - LONG, WITH_PYTHON), ids=name)
def test_python_blocks_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with small_reader():
        run(blocks("python", TEXTS[page]), page.name, {})


@pytest.mark.parametrize("page", [page for page in PAGES if commands(TEXTS[page])], ids=name)
def test_commands_are_commands(page):
    for command in commands(TEXTS[page]):
        if command[0] == "mtlzoo":
            parser().parse_args(command[1:])
        else:
            assert (ROOT / command[0]).is_file(), command


def test_commands_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with small_reader():
        for command in commands(TEXTS[RUN]):
            words = [sorted(map(str, Path().glob(word))) if "*/" in word else [word] for word in command[1:]]
            assert main([word for group in words for word in group]) == 0, command
    assert (tmp_path / "model.tflite").is_file()


def test_what_is_not_run_says_why():
    found = [block for text in TEXTS.values() for block in fenced(text)]
    assert Counter(block.reason for block in found if block.reason) == NOT_RUN
    assert {block.language for block in found if not block.reason} <= {"python", "console", "toml", "text"}
    for page, text in TEXTS.items():
        assert len(fenced(text)) * 2 == len(re.findall(r"^\s*```", text, re.MULTILINE)), page


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target, heading in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", TEXTS[page]):
        path = (page.parent / target) if target else page
        assert path.exists(), target
        if heading and path.suffix == ".md" and path.parent != DOCS / "api":
            assert heading in headings(path), f"{target}#{heading}"


def headings(path: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_quoted_messages_are_those_of_the_package():
    quoted = re.findall(r"^### \"(.+)\"$", TEXTS[DOCS / "troubleshooting.md"], re.MULTILINE)
    assert len(quoted) > 20
    messages = "\n".join(said for path in sorted((ROOT / "mtlzoo").rglob("*.py")) for said in texts_of(path))
    for message in quoted:
        pattern = ".*".join(re.escape(part) for part in message.split("…"))
        assert re.search(pattern, messages), message


def texts_of(path: Path) -> list[str]:
    """The texts of a module, with nothing where values are put in."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def test_every_public_room_has_its_page():
    import mtlzoo as mtl

    rooms = {room for room in mtl._ROOMS if getattr(getattr(mtl, room), "__all__", [])}
    assert {path.stem for path in (DOCS / "api").glob("*.md")} == rooms | {"mtl", "command-line"}
