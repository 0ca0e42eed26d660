"""The site is built without a warning, has all of the API and of the command line, and asks no other host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mtlzoo as mtl
from mtlzoo.cli.parser import COMMANDS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs", reason="the site needs mkdocs, which `scripts/docs` installs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_everything_exported_is_described(site):
    for room in [room for room in mtl._ROOMS if getattr(getattr(mtl, room), "__all__", [])]:
        page = (site / "api" / f"{room}.html").read_text(encoding="utf-8")
        here = [name for name in getattr(mtl, room).__all__ if f'id="mtlzoo.{room}.{name}"' not in page]
        assert here == [], room


def test_every_command_is_described(site):
    page = (site / "api" / "command-line.html").read_text(encoding="utf-8")
    assert re.findall(r'<h2 id="mtlzoo-([\w-]+)">', page) == list(COMMANDS)
    assert "--overwrite" in page


def test_nothing_is_fetched_from_elsewhere(site):
    fetched = re.compile(r'<(?:script|link|img|source|iframe)\b[^>]*?\b(?:src|href)="((?:\w+:)?//[^"]*)"')
    for page in site.rglob("*.html"):
        assert fetched.findall(page.read_text(encoding="utf-8")) == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:\w+:)?//", style.read_text(encoding="utf-8")), style.name
