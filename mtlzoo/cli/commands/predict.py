"""`mtlzoo predict`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from mtlzoo.cli.argument_types import fraction, written
from mtlzoo.cli.many_images import check_many, many_arguments, named_inputs, predict_many, table_of_inputs
from mtlzoo.cli.messages import tell_skipped
from mtlzoo.cli.shared_arguments import image_arguments, model_argument, raw_cells_argument, views_argument
from mtlzoo.files import check_output


def add_arguments(predict: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(predict, exported=True)
    predict.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="files, folders, patterns in quotes, tables (.csv), packed sets, or - for paths on standard input",
    )
    predict.add_argument(
        "--out", type=written, help="a CSV file, or a folder (--format); by default the predictions are printed"
    )
    predict.add_argument("--overwrite", action="store_true", help="replace what is there")
    many_arguments(predict)
    raw_cells_argument(predict)
    predict.add_argument(
        "--abstain",
        type=fraction,
        metavar="PROBABILITY",
        help='say "not sure" below it; 0 for never (default: as mtlzoo calibrate has found)',
    )
    predict.add_argument("--probabilities", action="store_true", help="with all outputs of the network")
    views_argument(predict)
    image_arguments(predict)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli.reading import drop_bad_images
    from mtlzoo.evaluation.unusual import count_unusual
    from mtlzoo.files.spreadsheets import write_csv
    from mtlzoo.images.records import files_of

    check_many(options)
    if options.format is not None:
        predict_many(options, partial(_network, options))
        return
    if options.out is not None:
        check_output(options.out, overwrite=options.overwrite, inputs=named_inputs(options))
    images = table_of_inputs(options)
    if options.out is not None:  # what patterns and links in folders lead to
        check_output(options.out, overwrite=options.overwrite, inputs=files_of(images.paths()))
    predict, knows = _predictor(options)
    table, skipped = drop_bad_images(images, options.skip_bad)
    tell_skipped(skipped)
    if not len(table):
        raise ValueError("No image is left to look at.")
    frame = predict(table, probabilities=options.probabilities, abstain=options.abstain)
    if options.out is None:
        print(frame.to_string(index=False))
    else:
        write_csv(options.out, frame, overwrite=options.overwrite, raw_cells=options.raw_cells)
        print(f"Wrote {len(frame)} rows to {options.out}.")
    if knows:
        print(count_unusual(frame.iloc[:, -1].to_numpy()))


def _network(options: argparse.Namespace) -> Any:
    """What predicts, which needs Keras for files of Keras alone."""
    from mtlzoo.runtimes.opening import is_runnable
    from mtlzoo.serving import open_network

    if is_runnable(options.model) and options.test_time_augmentation is not None:
        raise ValueError(
            "Expected --test-time-augmentation with an .h5 or .keras file, received one that has no Keras."
        )
    return open_network(options.model, trusted=options.trust)


def _predictor(options: argparse.Namespace) -> tuple[Callable[..., Any], bool]:
    """A function of images, and whether it tells which are unusual."""
    from mtlzoo.serving import Predictor

    network = _network(options)
    if isinstance(network, Predictor):
        return network, False
    from mtlzoo.evaluation import predict

    how = {"test_time_augmentation": options.test_time_augmentation}
    return partial(predict, network, **how), network.calibration.images is not None
