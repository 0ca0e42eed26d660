"""`mtlzoo benchmark`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mtlzoo.cli.argument_types import path, positive
from mtlzoo.cli.label_reading import read_for_model
from mtlzoo.cli.messages import tell_notes, tell_skipped
from mtlzoo.cli.shared_arguments import data_arguments, model_argument, raw_cells_argument
from mtlzoo.files import check_folder

if TYPE_CHECKING:
    import pandas as pd

FILES = ("formats.csv", "heads.csv", "formats.png")


def add_arguments(benchmark: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(benchmark)
    data_arguments(benchmark)
    benchmark.add_argument(
        "--images", metavar="FOLDER|DATA", help="training images, for int8 to learn ranges from (default: no int8)"
    )
    benchmark.add_argument(
        "--formats", nargs="+", choices=["savedmodel", "litert", "onnx", "openvino"], help="only these (default: all)"
    )
    benchmark.add_argument(
        "--max-lost", type=positive, default=2.0, metavar="POINTS", help="int8 that loses more on any head is refused"
    )
    benchmark.add_argument(
        "--fail-below",
        type=positive,
        metavar="POINTS",
        help="exit code 1 where a file's mean score, 100 being all, is below, or an int8 file is refused",
    )
    benchmark.add_argument("--out", type=path, help=f"a folder for {', '.join(FILES)}")
    benchmark.add_argument("--overwrite", action="store_true", help="replace an earlier benchmark's files")
    raw_cells_argument(benchmark)


def run(options: argparse.Namespace) -> int:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.cli.commands.export import images_of
    from mtlzoo.plotting import plot_formats
    from mtlzoo.saving import load_model
    from mtlzoo.serving import benchmark

    if options.out is not None:
        check_folder(options.out, overwrite=options.overwrite, inputs=[options.model, options.data])
        runs.check_files(options.out, FILES, overwrite=options.overwrite)
    model = load_model(options.model, trusted=options.trust)
    table = read_for_model(options, model)
    tell_notes(table)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    tell_skipped(skipped)
    images = None if options.images is None else images_of(options.images)
    measured = benchmark(model, table, images=images, formats=options.formats, max_lost=options.max_lost)
    print(measured.to_text())
    if options.out is not None:
        how = {"overwrite": options.overwrite, "raw_cells": options.raw_cells}
        runs.write_csv(options.out / FILES[0], measured.variants, **how)
        runs.write_csv(options.out / FILES[1], measured.heads, **how)
        plot_formats(measured.variants, options.out / FILES[2], overwrite=options.overwrite)
        print(f"\nWrote {options.out}.")
    return 0 if options.fail_below is None else _judge(measured.variants, options.fail_below)


def _judge(variants: pd.DataFrame, lowest: float) -> int:
    """1 and a line for each file that is refused or whose score is too low, else 0."""
    failed = variants[(100 * variants["score"] < lowest) | variants["refused"]]
    for _, row in failed.iterrows():
        why = "is refused" if row["refused"] else f"has a mean score of {100 * row['score']:.1f}, below {lowest:g}"
        print(f"Failed: {row['format']} {row['precision']} {why}.", file=sys.stderr)
    return int(len(failed) > 0)
