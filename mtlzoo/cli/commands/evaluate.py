"""`mtlzoo evaluate`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import path
from mtlzoo.cli.label_reading import read_for_model
from mtlzoo.cli.messages import tell_notes, tell_skipped
from mtlzoo.cli.shared_arguments import data_arguments, model_argument, raw_cells_argument, views_argument
from mtlzoo.files import check_folder


def add_arguments(evaluate: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(evaluate)
    data_arguments(evaluate)
    evaluate.add_argument("--by", nargs="+", metavar="COLUMN", help="report each group of these columns by itself, too")
    evaluate.add_argument("--out", type=path, help="a folder for the report and its images")
    evaluate.add_argument("--overwrite", action="store_true", help="replace an earlier report's files")
    evaluate.add_argument(
        "--explain", action="store_true", help="draw the worst mistakes, bright where the head looked"
    )
    raw_cells_argument(evaluate)
    views_argument(evaluate)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.evaluation import Predictions
    from mtlzoo.evaluation.unusual import count_unusual
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
    table = read_for_model(options, model)
    tell_notes(table)
    print(f"{table.describe()}\n")
    if options.out is not None:
        check_folder(options.out, overwrite=options.overwrite, inputs=files_of(table.paths()))
        files = [*runs.report_files(table.heads), *runs.GROUPS, *([runs.MISTAKES] if options.explain else [])]
        runs.check_files(options.out, files, overwrite=options.overwrite)
    table, skipped = runs.drop_bad_images(table, options.skip_bad)
    tell_skipped(skipped)
    views = options.test_time_augmentation
    predictions = Predictions.from_model(model, table, test_time_augmentation=views)  # once for both reports
    with runs.fonts_of_all_scripts():
        if options.out is None:
            report = predictions.evaluate()
        else:
            report = runs.report_run(model, table, options.out, predictions, **how)
        print(runs.as_text(report))
        if predictions.unusual is not None:
            print(f"\n{count_unusual(predictions.unusual)}")
        if options.explain:
            runs.plot_mistakes(model, table, predictions, options.out / runs.MISTAKES, options.overwrite)
        if options.by:
            print(f"\n{runs.as_text(runs.report_groups(model, table, options.by, options.out, predictions, **how))}")
