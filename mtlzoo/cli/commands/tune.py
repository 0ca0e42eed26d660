"""`mtlzoo tune`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import count, path, positive, seed
from mtlzoo.cli.commands.train import label_group, network_group, recipe_group
from mtlzoo.cli.label_reading import read_labels
from mtlzoo.cli.messages import say, say_nothing, tell_notes, tell_skipped
from mtlzoo.cli.shared_arguments import data_arguments, raw_cells_argument
from mtlzoo.files import check_folder


def add_arguments(tune: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    data_arguments(tune)
    tune.add_argument(
        "--out", metavar="FOLDER", type=path, required=True, help="where trials are kept; a search there goes on"
    )
    tune.add_argument("--quiet", action="store_true", help="print what was found alone, and what goes wrong")
    tune.add_argument("--overwrite", action="store_true", help="replace best.yaml, trials.csv and trials.png of others")
    raw_cells_argument(tune)
    tune.add_argument("--seed", type=seed, help="what chance is drawn from (default: the recipe's, 0)")
    search = tune.add_argument_group("search")
    search.add_argument(
        "--trials", type=count, default=20, help="how many in all, those of earlier calls too (default: 20)"
    )
    search.add_argument(
        "--minutes",
        dest="search_minutes",
        metavar="MINUTES",
        type=positive,
        help="how long to search (default: all trials)",
    )
    search.add_argument(
        "--space",
        nargs="+",
        metavar="SETTING=RANGE",
        help="such as learning_rate=1e-4:1e-2:log label_smoothing=0:0.2 mix=none,mixup (default: what is worth it first)",
    )
    search.add_argument(
        "--pruner", choices=["median", "hyperband", "none"], default="median", help="what ends bad trials"
    )
    label_group(tune)
    network_group(tune)
    recipe_group(tune)
    tune.set_defaults(minutes=None, no_calibration=False)  # of a training


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs, tuning
    from mtlzoo.images.records import files_of

    overwrite = options.overwrite or tuning.is_search(options.out)
    check_folder(options.out, overwrite=overwrite, inputs=[options.data, *options.corrections])
    runs.check_files(options.out, tuning.FILES, overwrite=overwrite)
    recipe, space = runs.recipe_of(options), tuning.parse_space(options.space)
    options.seed = recipe.seed  # that of the rows' division and of the first weights, too
    tell = say_nothing if options.quiet else say
    table = read_labels(options)
    check_folder(options.out, overwrite=overwrite, inputs=files_of(table.paths()))
    by_chance = options.split_column == "none"
    runs.check_told_parts(table, options.valid, options.test, options.rest, by_chance)
    table = runs.ask_only_if(table, options.only_if)
    table = runs.configure_heads(table, {"hidden": options.hidden, "class_weight": options.class_weight})
    table.check()
    table, skipped = runs.drop_bad_images(table, options.skip_bad, progress=not options.quiet, notes=not options.quiet)
    tell_skipped(skipped, quiet=options.quiet)
    parts = {name: getattr(options, name) for name in ("valid", "test", "rest", "group", "seed")}
    train, valid, test = runs.divide(table, by_chance=by_chance, **parts)
    tell_notes(train, quiet=options.quiet)
    tell(f"{len(train)} rows to train on, {len(valid)} that say how good it is, {len(test)} that nobody looks at")
    print(tuning.tune_run(train, valid, recipe, space, options))
