"""Every code block of the README and of `docs/` runs as it stands there, with a MobileNet that ends early."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from code_blocks import blocks, run

from mtlzoo.cli.main import COMMANDS, main
from mtlzoo.cli.parser import parser

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


DOCS = sorted((ROOT / "docs").rglob("*.md"))


@pytest.fixture(autouse=True)
def _short_mobilenet(monkeypatch):
    """MobileNet ends after its first block where the reader does not say where: tracing all of it takes long."""
    from mtlzoo.backbones import create_backbone
    from mtlzoo.models import builders

    def create(backbone: Any, *arguments: Any, feature_layer: str | None = None, **options: Any):
        if feature_layer is None and isinstance(backbone, str) and backbone.lower() == "mobilenet":
            feature_layer = "conv_pw_1_relu"
        return create_backbone(backbone, *arguments, feature_layer=feature_layer, **options)

    monkeypatch.setattr(builders, "create_backbone", create)


def commands() -> list[list[str]]:
    lines = [line[2:] for block in blocks("console", README) for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line) for line in lines]


def test_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert blocks("python", README)
    run(blocks("python", README), "README.md", {})
    assert (tmp_path / "model.h5").is_file()


def test_commands_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = 0
    for command in commands():
        if command[0] != "mtlzoo":
            assert (ROOT / command[0]).is_file(), command
        elif "clothing" in " ".join(command):  # its photographs are not part of the repository
            parser(COMMANDS).parse_args(command[1:])
        else:
            words = [
                [str(path) for path in sorted(Path().glob(word))] if "*/" in word else [word] for word in command[1:]
            ]
            assert main([word for group in words for word in group]) == 0, command
            ran += 1
    assert ran >= 6


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize("page", DOCS, ids=[page.stem for page in DOCS])
def test_python_blocks_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(blocks("python", page.read_text(encoding="utf-8")), page.name, {})


@pytest.mark.parametrize("page", DOCS, ids=[page.stem for page in DOCS])
def test_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
