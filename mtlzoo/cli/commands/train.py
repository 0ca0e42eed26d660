"""`mtlzoo train`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlzoo.cli.argument_types import OneLineParser, cache, count, fraction, path, pixels, positive, seed, whole
from mtlzoo.cli.label_reading import read_labels
from mtlzoo.cli.messages import say, say_nothing, tell_notes, tell_skipped
from mtlzoo.cli.run_options import take_run_options, told_options
from mtlzoo.cli.shared_arguments import any_of, data_arguments, label_arguments, raw_cells_argument
from mtlzoo.files import check_folder
from mtlzoo.system import workers
from mtlzoo.system.registries import AUGMENTATIONS, BALANCING, MIXINGS, RECIPES, TRACKERS


def add_arguments(train: OneLineParser) -> None:
    """Add what the command takes."""
    data_arguments(train)
    train.add_argument(
        "--config",
        metavar="RUN.YAML",
        help="take DATA and all options from the run.yaml of an earlier run; others override",
    )
    train.configure = take_run_options
    train.add_argument("--out", metavar="RUN", type=path, help="the run folder (default: labels-run for labels.csv)")
    train.add_argument("--quiet", action="store_true", help="print the report alone, and what goes wrong")
    train.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")
    raw_cells_argument(train)
    train.add_argument("--seed", type=seed, help="what chance is drawn from (default: the recipe's, 0)")
    label_group(train)
    network_group(train)
    training = recipe_group(train)
    training.add_argument(
        "--minutes", type=positive, help="how long to train, in place of the stages' epochs (a few steps are measured)"
    )
    training.add_argument("--resume", action="store_true", help="go on where a training into the run folder broke off")
    training.add_argument(
        "--save-every",
        type=positive,
        metavar="MINUTES",
        help="with --resume: how much of an epoch is lost at most when a training breaks off (10)",
    )
    training.add_argument(
        "--monitor", action="store_true", help="log weights and conflicts of the heads, and draw balancing.png"
    )
    training.add_argument(
        "--no-calibration",
        action="store_true",
        help="leave probabilities as training leaves them, too sure or not enough",
    )
    training.add_argument(
        "--track", nargs="+", choices=TRACKERS.names(), default=[], metavar="TOOL", help=f"log with {any_of(TRACKERS)}"
    )
    training.add_argument(  # the old spelling
        "--tensorboard", dest="track", action="append_const", const="tensorboard", help=argparse.SUPPRESS
    )


def label_group(command: argparse.ArgumentParser) -> None:
    """Which columns are learned, and how rows are divided."""
    labels = command.add_argument_group("labels")
    label_arguments(labels)
    labels.add_argument(
        "--valid",
        type=fraction,
        metavar="FRACTION",
        help="rows that choose the best epoch (0.1, if no column says the parts)",
    )
    labels.add_argument("--test", type=fraction, metavar="FRACTION", help="rows for the report alone (likewise)")
    labels.add_argument("--rest", choices=["train", "valid", "test"], help="the part of rows for which none is given")
    labels.add_argument(
        "--only-if",
        nargs="+",
        metavar="HEAD:PARENT=CLASS,...",
        help="ask a head only where another one has these labels; found: as the labels suggest",
    )
    labels.add_argument("--class-weight", choices=["balanced"], help="rare classes weigh as much as frequent ones")


def network_group(command: argparse.ArgumentParser) -> None:
    """What is trained."""
    network = command.add_argument_group("network")
    network.add_argument("--backbone", help="see `mtlzoo models`, or hub:PRESET of KerasHub (default: MobileNetV2)")
    network.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="for the backbone: alpha=0.25"
    )
    network.add_argument(
        "--image-size", nargs="+", type=pixels, metavar="PIXELS", help="one number or height and width"
    )
    network.add_argument("--weights", default="auto", help="imagenet, none, or a file (default: imagenet if there are)")
    network.add_argument("--feature-layer", metavar="LAYER", help="the layer at which the backbone ends")
    network.add_argument(
        "--feature-layers",
        nargs="+",
        metavar="LAYER",
        help="several layers: their maps, on the finest grid, side by side",
    )
    network.add_argument("--cut", dest="feature_layer", help=argparse.SUPPRESS)  # the old name, which goes with 1.0
    network.add_argument(
        "--pooling",
        choices=["avg", "max", "flatten", "attention"],
        default="avg",
        help="how a feature map becomes a vector; attention: each head looks for itself",
    )
    network.add_argument("--dropout", type=fraction, default=0.2, metavar="FRACTION")
    network.add_argument(
        "--hidden", nargs="+", type=whole(1, 65_536), default=[], metavar="UNITS", help="hidden layers of every head"
    )
    network.add_argument("--precision", choices=["float32", "mixed_float16", "mixed_bfloat16"], default="float32")
    network.add_argument("--resize", choices=["stretch", "crop", "pad"], default="stretch")


def recipe_group(command: argparse.ArgumentParser) -> Any:
    """How it is trained, which :func:`mtlzoo.cli.recipe_options.recipe_of` reads; further arguments may follow."""
    training = command.add_argument_group("training")
    training.add_argument(
        "--stages",
        nargs="+",
        metavar="PART:EPOCHS:RATE[:SCHEDULE]",
        help="such as heads:2:1e-3 all:20:1e-3:cosine, or the name of a recipe whose stages to take (default: those two)",
    )
    training.add_argument(
        "--recipe",
        default="default",
        metavar="NAME|FILE",
        help=f"all settings of a training: {', '.join(RECIPES.names())}, or a file with such; options override its own",
    )
    training.add_argument("--batch-size", type=count, help="images a step (default: the recipe's, 32)")
    training.add_argument(
        "--label-smoothing",
        type=fraction,
        metavar="FRACTION",
        help="how much of each label is spread over all classes (default: the recipe's)",
    )
    training.add_argument(
        "--balancing",
        metavar="METHOD[:KEY=VALUE,...]",
        help="how the heads' losses become one step, such as cagrad:c=0.4 (default: their sum): " + any_of(BALANCING),
    )
    training.add_argument("--jit-compile", action="store_true", help="let XLA compile the step on a CPU too")
    training.add_argument("--devices", metavar="all|NUMBER|NAMES", help="what to train on (default: one device)")
    training.add_argument("--augment", help=f"{', '.join(AUGMENTATIONS.names())} or none (default: the recipe's)")
    training.add_argument(
        "--mix", help=f"mix images and their labels: {', '.join(MIXINGS.names())} (default: the recipe's)"
    )
    training.add_argument(
        "--sampling", choices=["repeat_factor", "balanced"], help="draw rows with rare labels more often, in all heads"
    )
    training.add_argument(
        "--teacher",
        nargs="+",
        metavar="MODEL|itself",
        help="who fills in missing labels: models or run folders of earlier trainings, or the network itself",
    )
    training.add_argument(
        "--distill",
        type=positive,
        metavar="WEIGHT",
        help="how much the teacher counts beside labels that there are (0)",
    )
    training.add_argument("--unlabelled", type=path, metavar="FOLDER", help="further images, for the teacher alone")
    training.add_argument(
        "--features",
        metavar="auto|none|VIEWS",
        help="stages that train heads: look at each image once where that is the same, never, or so many views of it",
    )
    training.add_argument(
        "--feature-cache", metavar="FOLDER", type=path, help="keep features in files, for other runs too"
    )
    training.add_argument(
        "--cache", metavar="memory|DIR", type=cache, help="keep decoded images there (default: decode each epoch)"
    )
    training.add_argument("--patience", type=count, help="epochs without a better score that end a stage")
    return training


def run(options: argparse.Namespace) -> int:
    """Run the command with what was given."""
    from mtlzoo.cli import narration, runs
    from mtlzoo.data.parts import PARTS
    from mtlzoo.images.caching import image_cache
    from mtlzoo.images.records import files_of
    from mtlzoo.training.resuming import SAVE_EVERY
    from mtlzoo.training.run_file import other_data, read_run_file

    fractions = [0.1 if given is None else given for given in (options.valid, options.test)]
    if sum(fractions) >= 1:
        raise ValueError(
            f"Expected --valid and --test to leave rows to train on, received: {options.valid} and {options.test}."
        )
    if options.save_every is not None and not options.resume:
        raise ValueError(
            "Expected --save-every together with --resume, which keeps the state of training, received it alone."
        )
    if options.out is None:
        options.out = narration.default_folder(options.named)
    overwrite = options.overwrite or (options.resume and runs.is_run(options.out)) or not workers.is_chief()
    weights = [options.weights] if os.path.isfile(options.weights) else []
    teaching = [name for name in (options.unlabelled, *(options.teacher or ())) if name is not None]
    _check_run_folders(options, [options.data, *options.corrections, *weights, *teaching], overwrite)
    runs.input_shape(options.image_size)
    for option in options.option:
        runs.parse_option(option)
    recipe, tracking = runs.recipe_of(options), runs.tracking_of(options.track, options.out)
    options.seed = recipe.seed  # that of the rows' division and of the first weights, too
    tell = say_nothing if options.quiet else say
    table = read_labels(options)
    _check_run_folders(options, files_of(table.paths()), overwrite)
    runs.check_run(options.out, table.heads, overwrite=overwrite)
    by_chance = options.split_column == "none"
    runs.check_told_parts(table, options.valid, options.test, options.rest, by_chance)
    table = runs.ask_only_if(table, options.only_if)
    tell_notes(table, quiet=options.quiet)
    tell(narration.describe_columns(table, options))
    table = runs.configure_heads(table, {"hidden": options.hidden, "class_weight": options.class_weight})
    table.check()
    # Before the images are read, so that a wrong name is reported at once.
    model, instead = runs.build_network(table.heads, options)
    if instead is not None:
        tell(f"Note: {instead}", file=sys.stderr)
    tell(f"\n{narration.describe_choices(model, recipe, options)}\n")
    table, skipped = runs.drop_bad_images(table, options.skip_bad, progress=not options.quiet, notes=not options.quiet)
    tell_skipped(skipped, quiet=options.quiet)
    parts = {name: getattr(options, name) for name in ("valid", "test", "rest", "group", "seed")}
    told = len(table.notes)
    train, valid, test = runs.divide(table, by_chance=by_chance, **parts)
    tell_notes(train, told, quiet=options.quiet)
    split = None if by_chance else table.split
    tell(narration.describe_parts((train, valid, test), split, options))
    if options.config is not None:
        parts_now = {name: part.for_heads(model.heads) for name, part in zip(PARTS, (train, valid, test))}
        if (note := other_data(read_run_file(options.config), parts_now)) is not None:
            print(f"Note: {note}", file=sys.stderr)
    cache = image_cache(recipe.cache)
    if cache is not None:
        tell(cache.describe(train, model.input_shape[1:3], augmented=recipe.augment is not None))
    callbacks = []
    if not options.quiet and not options.resume and workers.is_chief():
        seconds = runs.guess_epochs(model, train, valid, recipe)
        tell(narration.describe_time(recipe, seconds))
        if recipe.minutes is None:
            callbacks.append(runs.TimeLeft(recipe.stages, seconds, model.count_params()))
    with runs.fonts_of_all_scripts(options.quiet):
        report, history = runs.train_run(
            model,
            train,
            valid,
            test,
            options.out,
            options=runs.RunOptions(
                questions=runs.read_questions(options.data, options.format),
                told={"data": options.named, **_told(options)},
                split=split,
                skipped=skipped,
                monitor=options.monitor,
                resume=options.resume,
                overwrite=overwrite,
                raw_cells=options.raw_cells,
            ),
            recipe=recipe,
            callbacks=callbacks,
            track=tracking,
            save_every=options.save_every or SAVE_EVERY,
            verbose=not options.quiet,
        )
    print(runs.as_text(report))
    print(f"\nWrote {options.out}.")
    if workers.is_chief():
        tell(narration.describe_results(report, test, split, options))
    return 130 if history.interrupted else 0


def _told(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line said, by the names of the options."""
    parser = OneLineParser()
    add_arguments(parser)
    return {name: value for name, value in told_options(options, parser).items() if name != "data"}


def _check_run_folders(options: argparse.Namespace, inputs: Sequence[str | Path], overwrite: bool) -> None:
    check_folder(options.out, overwrite=overwrite, inputs=inputs)
    for folder in (options.cache, options.feature_cache):
        if folder not in (None, "memory"):
            check_folder(folder, overwrite=True, inputs=inputs)  # its own files lie in folders of their own
