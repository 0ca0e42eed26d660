"""`mtlzoo make-data`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import drawn, path, seed, whole
from mtlzoo.cli.shared_arguments import any_of
from mtlzoo.system.registries import MAKERS


def add_arguments(make: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    make.add_argument("kind", metavar="KIND", help=any_of(MAKERS))
    make.add_argument("directory", metavar="DIR", type=path)
    make.add_argument("--layout", help="faces: utkface (the default) or mtfl")
    make.add_argument("--objects", type=whole(1, 5), help="shapes: the largest number in an image, 1 to 5 (default: 1)")
    make.add_argument("--images", type=drawn, default=2000, help="how many labelled images (default: 2000)")
    make.add_argument("--seed", type=seed, default=0)
    make.add_argument(
        "--overwrite",
        action="store_true",
        help="draw into a folder that holds something, in place of an earlier drawing",
    )


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs

    directory = runs.make_data(
        options.kind,
        options.directory,
        layout=options.layout,
        objects=options.objects,
        images=options.images,
        seed=options.seed,
        overwrite=options.overwrite,
        progress=True,
    )
    print(f"Drew {options.images} labelled images into {directory}.")
