"""`mtlzoo pack`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import count, path, seed
from mtlzoo.cli.label_reading import read_labels
from mtlzoo.cli.messages import tell_notes, tell_skipped
from mtlzoo.cli.shared_arguments import data_arguments, label_arguments
from mtlzoo.files import check_output


def add_arguments(pack: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    data_arguments(pack)
    pack.add_argument("out", metavar="OUT", type=path, help="the folder; train on it with --format packed")
    pack.add_argument("--shards", type=count, metavar="FILES", help="how many files (default: of 128 MiB each)")
    pack.add_argument("--overwrite", action="store_true", help="replace a folder that holds a packed table")
    pack.add_argument("--seed", type=seed, default=0, help="mtfl: how training images are cut")
    label_arguments(pack.add_argument_group("labels"))


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.data import pack
    from mtlzoo.data.packing import FOLDER

    inputs = [options.data, *options.corrections]
    check_output(options.out, kind=FOLDER, overwrite=options.overwrite, inputs=inputs)
    table = read_labels(options)
    tell_notes(table)
    print(table.describe())
    table, skipped = runs.drop_bad_images(table, options.skip_bad, progress=True)
    tell_skipped(skipped)
    folder = pack(table, options.out, options.shards, overwrite=options.overwrite, progress=True)
    print(f"Packed {len(table)} rows into {folder}.")
