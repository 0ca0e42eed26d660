"""`mtlzoo demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtlzoo.cli.argument_types import count, path, seed


def add_arguments(demo: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    demo.add_argument("--out", type=path, default=Path("demo-run"), help="the run folder (default: demo-run)")
    demo.add_argument("--images", type=count, help="how many photographs in all parts (default: all 2,001)")
    demo.add_argument(
        "--epochs", type=count, default=20, help="of the whole network, after 2 of the heads (default: 20)"
    )
    demo.add_argument("--seed", type=seed, default=0)
    demo.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")


def run(options: argparse.Namespace) -> int:
    """Run the command with what was given."""
    from mtlzoo.cli import runs

    return runs.demo(
        options.out, images=options.images, epochs=options.epochs, seed=options.seed, overwrite=options.overwrite
    )
