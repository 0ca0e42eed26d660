"""`mtlzoo predict`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from mtlzoo.cli.argument_types import file
from mtlzoo.cli.messages import tell_skipped
from mtlzoo.cli.shared_arguments import image_arguments, model_argument, raw_cells_argument, views_argument
from mtlzoo.files import check_output


def add_arguments(predict: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(predict, exported=True)
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="files, folders, or patterns in quotes")
    predict.add_argument("--out", type=file, help="a CSV file; by default the predictions are printed")
    predict.add_argument("--overwrite", action="store_true", help="replace an existing file")
    raw_cells_argument(predict)
    predict.add_argument("--probabilities", action="store_true", help="with all outputs of the network")
    views_argument(predict)
    image_arguments(predict)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli.reading import drop_bad_images
    from mtlzoo.cli.spreadsheets import write_csv
    from mtlzoo.data import LabelTable
    from mtlzoo.evaluation.listing import list_files

    if options.out is not None:
        check_output(options.out, overwrite=options.overwrite, inputs=[options.model, *options.images])
    images = list_files(options.images)
    if options.out is not None:  # what patterns and links in folders lead to
        check_output(options.out, overwrite=options.overwrite, inputs=images)
    predict = _predictor(options)
    table, skipped = drop_bad_images(LabelTable.of_images(images), options.skip_bad)
    tell_skipped(skipped)
    if not len(table):
        raise ValueError("No image is left to look at.")
    frame = predict(table, probabilities=options.probabilities)
    if options.out is None:
        print(frame.to_string(index=False))
    else:
        write_csv(options.out, frame, overwrite=options.overwrite, raw_cells=options.raw_cells)
        print(f"Wrote {len(frame)} rows to {options.out}.")


def _predictor(options: argparse.Namespace) -> Callable[..., Any]:
    """A function of images, which needs Keras for files of Keras alone."""
    from mtlzoo.runtimes.opening import is_runnable
    from mtlzoo.serving import Predictor, open_network

    if is_runnable(options.model) and options.test_time_augmentation is not None:
        raise ValueError(
            "Expected --test-time-augmentation with an .h5 or .keras file, received one that has no Keras."
        )
    network = open_network(options.model, trusted=options.trust)
    if isinstance(network, Predictor):
        return network
    from mtlzoo.evaluation import predict

    return partial(predict, network, test_time_augmentation=options.test_time_augmentation)
