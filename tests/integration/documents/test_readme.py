"""What a reader of the README types works: its Python from top to bottom, its commands, its links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from code_blocks import blocks, commands, run
from small_reader import small_reader

from mtlzoo.cli.parser import parser

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LARGEST = 7000  # bytes


def test_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with small_reader():
        run(blocks("python", README), "README.md", {})
    assert (tmp_path / "cells.h5").is_file()


def test_commands_are_there():
    assert commands(README)[:2] == [["scripts/demo"], ["scripts/test"]]
    for command in commands(README):
        if command[0] == "mtlzoo":
            parser().parse_args(command[1:])
        else:
            assert (ROOT / command[0]).is_file(), command


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_it_is_short():
    assert len(README.encode()) < LARGEST
