"""`mtlzoo predict`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import file
from mtlzoo.cli.messages import tell_skipped
from mtlzoo.cli.shared_arguments import image_arguments, model_argument, raw_cells_argument, views_argument
from mtlzoo.files import check_output


def add_arguments(predict: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(predict)
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="files, folders, or patterns in quotes")
    predict.add_argument("--out", type=file, help="a CSV file; by default the predictions are printed")
    predict.add_argument("--overwrite", action="store_true", help="replace an existing file")
    raw_cells_argument(predict)
    predict.add_argument("--probabilities", action="store_true", help="with all outputs of the network")
    views_argument(predict)
    image_arguments(predict)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
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
    tell_skipped(skipped)
    if not len(table):
        raise ValueError("No image is left to look at.")
    views = options.test_time_augmentation
    frame = predict(model, table, probabilities=options.probabilities, test_time_augmentation=views)
    if options.out is None:
        print(frame.to_string(index=False))
    else:
        runs.write_csv(options.out, frame, overwrite=options.overwrite, raw_cells=options.raw_cells)
        print(f"Wrote {len(frame)} rows to {options.out}.")
