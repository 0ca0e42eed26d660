"""What MkDocs does not do by itself: links out of `docs/`, the command line's reference, and roles in docstrings.

Pages link to each other, to notebooks, scripts and the changelog as the repository has them, so that they can be read there.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = "docs"
LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")
ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code>)")
REFERENCE = "<!-- the reference of the command line -->"
OTHER_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md")
HOME = {"README.md": "docs/index.md"}  # which has its own page here


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside of `docs/`, and the files there that pages link to."""
    for name in OTHER_PAGES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for file in list(files.documentation_pages()):
        for _, target, _ in LINK.findall(file.content_string):
            path = _in_the_repository(file.src_uri, target)
            if not path.startswith(f"{DOCS}/") and (ROOT / path).is_file() and files.get_file_from_path(path) is None:
                files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where things are on the site, and put the command line's reference in its place."""
    here = os.path.dirname(page.file.src_uri) or "."

    def link(found: re.Match[str]) -> str:
        path = _in_the_repository(page.file.src_uri, found[2]).removeprefix(f"{DOCS}/")
        return f"{found[1]}{os.path.relpath(path, here)}{found[3]}"

    if REFERENCE in markdown:
        markdown = markdown.replace(REFERENCE, command_line())
    return LINK.sub(link, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leave the names of roles out, which docstrings have for readers of the code."""
    return ROLE.sub("", html)


def command_line() -> str:
    """All commands with their arguments, as the argument parser has them."""
    sys.path.insert(0, str(ROOT))
    from mtlzoo.cli.parser import COMMANDS, command_module, parser

    parts = []
    for name, command in COMMANDS.items():
        arguments = argparse.ArgumentParser(prog=f"mtlzoo {name}", add_help=False)
        command_module(name).add_arguments(arguments)
        parts.append(f"## mtlzoo {name}\n\n{command.help[0].upper()}{command.help[1:]}.\n\n{_arguments(arguments)}")
    parser()  # which raises where a command could not be parsed
    return "\n\n".join(parts)


def _arguments(command: argparse.ArgumentParser) -> str:
    rows = []
    for action in command._actions:
        if action.help != argparse.SUPPRESS:
            rows.append(f"| `{_usage(action)}` | {_cell(action.help or '')} |")
    return "\n".join(["| argument | what it is |", "| --- | --- |", *rows])


def _usage(action: argparse.Action) -> str:
    value: Any = action.metavar or action.dest.upper()
    if action.choices is not None and action.metavar is None:
        value = "|".join(map(str, action.choices))
    many = {"*": f"[{value} ...]", "+": f"{value} ...", "?": f"[{value}]", 0: ""}.get(action.nargs, value)
    name = ", ".join(action.option_strings)
    return f"{name} {many}".strip().replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _in_the_repository(page: str, target: str) -> str:
    """Where a link of a page leads, below the root of the repository."""
    source = page if page in OTHER_PAGES else f"{DOCS}/{page}"
    path = os.path.normpath(os.path.join(os.path.dirname(source), target))
    if (ROOT / path).is_dir():
        path = f"{path}/README.md"
    return HOME.get(path, path)
