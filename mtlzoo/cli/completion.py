"""Scripts that make a shell complete what follows `mtlzoo`: commands, options, and the names of what there is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import shtab

from mtlzoo.backbones.registry import BACKBONES
from mtlzoo.cli.argument_types import OneLineParser, cache, file, path, written
from mtlzoo.system.registries import AUGMENTATIONS, BALANCING, EXPORTS, MAKERS, MIXINGS, RECIPES
from mtlzoo.system.registry import Registry

# Arguments that take a name, beside which they take other spellings or more than a name, by what they are stored as.
NAMES: dict[str, Registry[Any]] = {
    "backbone": BACKBONES,
    "balancing": BALANCING,
    "augment": AUGMENTATIONS,
    "kind": MAKERS,
    "mix": MIXINGS,
    "recipe": RECIPES,
}
PATHS = (path, file, cache, written)


def script(top: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell.

    Args:
        top: The parser of all commands.
        shell: `"bash"`, `"zsh"` or `"fish"`.
    """
    for command, parser in _commands(top):
        for action in parser._actions:  # which argparse has no public name for
            if ":" in str(action.metavar):
                action.metavar = None  # zsh divides its specifications by colons, and shtab 1.10 does not escape these
            if action.dest in NAMES:
                action.choices = NAMES[action.dest].names()
            elif command == "export" and action.dest == "format":
                action.choices = EXPORTS.names()
            elif action.type in PATHS or (command == "predict" and action.dest == "images"):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(top, shell=shell)


def _commands(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command with its parser, which has all its arguments now."""
    for action in top._actions:
        choices: Any = action.choices
        if isinstance(action, argparse._SubParsersAction):
            for name, parser in choices.items():
                if isinstance(parser, OneLineParser):
                    parser.fill_arguments()
                yield name, parser
