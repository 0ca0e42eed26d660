"""`mtlzoo new`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import path


def add_arguments(new: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    new.add_argument("project", metavar="PROJECT", type=path, help="the folder to make, which must not hold anything")
    new.add_argument(
        "--table", type=path, metavar="TABLE", help="your label file (default: photographs that come with mtlzoo)"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli.project import describe_project, write_project

    print(describe_project(write_project(options.project, options.table)))
