"""`mtlzoo calibrate`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mtlzoo.cli.argument_types import decision, file, fraction, path
from mtlzoo.cli.label_reading import read_for_model
from mtlzoo.cli.messages import tell_notes, tell_skipped
from mtlzoo.cli.shared_arguments import data_arguments, model_argument
from mtlzoo.files import check_output

if TYPE_CHECKING:
    import pandas as pd

    from mtlzoo.models import MultiTaskModel

SUFFIXES = (".h5", ".hdf5", ".keras")


def add_arguments(calibrate: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(calibrate)
    data_arguments(calibrate)
    calibrate.add_argument(
        "--out",
        type=file,
        metavar="MODEL",
        help="the model with what was found, .h5 or .keras (default: reports alone)",
    )
    calibrate.add_argument("--overwrite", action="store_true", help="replace existing files")
    fitted = calibrate.add_argument_group("what is fitted")
    fitted.add_argument(
        "--keep-probabilities", action="store_true", help="leave the probabilities as they are (default: temperatures)"
    )
    fitted.add_argument(
        "--decide",
        type=decision,
        metavar="HOW",
        help="thresholds of tags and of two labels: f1, recall=0.95, precision=0.9, or cost=10:1 (a miss : a false alarm)",
    )
    sure = fitted.add_mutually_exclusive_group()
    sure.add_argument(
        "--accuracy", type=fraction, metavar="FRACTION", help='"not sure", so that so many answers are right'
    )
    sure.add_argument(
        "--coverage", type=fraction, metavar="FRACTION", help='"not sure", so that so many rows get an answer'
    )
    fitted.add_argument(
        "--level",
        type=fraction,
        metavar="FRACTION",
        help="sets and intervals that hold the truth so often, such as 0.9",
    )
    fitted.add_argument("--by-class", action="store_true", help="sets for which that holds in each class")
    fitted.add_argument(
        "--unusual",
        action="store_true",
        help="what images are like, by the training rows of DATA's own split, so that unusual ones are told",
    )
    calibrate.add_argument(
        "--picture", type=path, metavar="PNG", help="draw how right answers are if only the surest are given"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.evaluation import know_images
    from mtlzoo.saving import export, load_model

    if options.by_class and options.level is None:
        raise ValueError("Expected --level with --by-class, such as --level 0.9.")
    if options.out is not None and options.out.suffix.lower() not in SUFFIXES:
        raise ValueError(f"Expected --out to end in .h5 or .keras, received: {options.out.name!r}.")
    inputs = [options.model, options.data, *options.corrections]
    for target in (options.out, options.picture):
        if target is not None:
            check_output(target, overwrite=options.overwrite, inputs=inputs)
    model = load_model(options.model, trusted=options.trust)
    table = read_for_model(options, model)
    tell_notes(table)
    if options.unusual and (table.split is None or options.part is not None):
        raise ValueError(
            "Expected DATA with a column that says which rows are for training, and no --part, with --unusual."
        )
    train = table
    if options.part is None and table.split is not None:
        table = runs.validation_rows(table)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    tell_skipped(skipped)
    if options.unusual:
        know_images(model, runs.drop_bad_images(runs.training_rows(train), options.skip_bad)[0], table)
    for title, report in fit(model, table, options).items():
        print(f"{title}\n{runs.as_text(report)}\n")
    if options.out is not None:
        print(f"Wrote {export(model, options.out, overwrite=options.overwrite)}.")


def fit(model: MultiTaskModel, table: Any, options: argparse.Namespace) -> dict[str, pd.DataFrame]:
    """Fit what was asked for, in the order in which one needs the other; the reports by their titles."""
    from mtlzoo.evaluation import Predictions, abstain, calibrate, conformal, decide
    from mtlzoo.evaluation.validation_rows import predict_rows
    from mtlzoo.plotting import plot_coverage

    reports = {} if options.keep_probabilities else {"Probabilities": calibrate(model, table)}
    if not (options.decide or options.accuracy or options.coverage or options.level or options.picture):
        return reports
    predictions = Predictions.from_model(model, table)  # once for all that follows
    if options.decide is not None:
        reports["Thresholds"] = decide(model, predictions, **options.decide)
    if options.accuracy or options.coverage:
        reports['"Not sure"'] = abstain(model, predictions, accuracy=options.accuracy, coverage=options.coverage)
    if options.level:
        reports["Sets and intervals"] = conformal(model, predictions, options.level, options.by_class)
    if options.picture is not None:
        plot_coverage(predict_rows(model, predictions)[0], options.picture, overwrite=options.overwrite)
    return reports
