"""The site's configuration: every page has a place, and reading it asks no other host for anything."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
OUTSIDE = {"CHANGELOG.md", "CONTRIBUTING.md"}


def test_every_page_is_in_the_navigation_once():
    listed = re.findall(r": ([\w./-]+\.md)$", CONFIG.split("\nnav:\n")[1], re.MULTILINE)
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(pages | OUTSIDE)


def test_nothing_is_fetched_from_elsewhere():
    assert "\n  font: false" in CONFIG  # Google's, otherwise
    assert "://" not in CONFIG
    for setting in ("analytics", "extra_javascript", "extra_templates", "custom_dir", "repo_url", "privacy"):
        assert setting not in CONFIG
    assert "url(" not in (ROOT / "docs" / "site.css").read_text(encoding="utf-8")


def test_pages_show_no_images_of_other_hosts():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        assert re.findall(r"!\[[^\]]*\]\(\w+:", page.read_text(encoding="utf-8")) == [], page


def test_warnings_are_errors():
    script = (ROOT / "scripts" / "docs").read_text(encoding="utf-8")
    assert "mkdocs" in script
    assert "--strict" in script
