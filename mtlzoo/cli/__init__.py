"""The command line."""

from mtlzoo.cli.main import main

__all__ = ["main"]
