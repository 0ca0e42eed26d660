"""`mtlzoo completion`."""

from __future__ import annotations

import argparse


def add_arguments(completion: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    completion.add_argument("shell", choices=["bash", "zsh", "fish"], help="the shell to print a script for")


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli.completion import script
    from mtlzoo.cli.parser import parser

    print(script(parser(), options.shell))
