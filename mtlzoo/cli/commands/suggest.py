"""`mtlzoo suggest`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import count, file, path, seed
from mtlzoo.cli.label_reading import read_for_model
from mtlzoo.cli.messages import tell_notes, tell_skipped
from mtlzoo.cli.shared_arguments import data_arguments, model_argument, raw_cells_argument
from mtlzoo.files import check_output


def add_arguments(suggest: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(suggest)
    data_arguments(suggest)
    suggest.add_argument("--budget", type=count, default=200, metavar="CELLS", help="how many (default: 200)")
    suggest.add_argument(
        "--out", type=file, help="a CSV file, whose column label is to be filled in (default: printed)"
    )
    suggest.add_argument("--overwrite", action="store_true", help="replace an existing file")
    raw_cells_argument(suggest)
    suggest.add_argument(
        "--more-models", nargs="+", type=path, default=[], metavar="MODEL", help="ask first what models disagree about"
    )
    suggest.add_argument(
        "--test-time-augmentation", choices=["flip"], help="ask first what is said otherwise of the mirror image"
    )
    suggest.add_argument("--seed", type=seed, default=0)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.saving import load_model

    files = [options.model, *options.more_models]
    if options.out is not None:
        inputs = [*files, options.data, *options.corrections]
        check_output(options.out, overwrite=options.overwrite, inputs=inputs)
    models = [load_model(path, trusted=options.trust) for path in files]
    table = read_for_model(options, models[0])
    tell_notes(table)
    if options.part is None and table.split is not None:
        table = runs.training_rows(table)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    tell_skipped(skipped)
    runs.suggest(models, table, options)
