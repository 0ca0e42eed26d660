"""`mtlzoo predict`."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

from mtlzoo.cli.argument_types import file, fraction
from mtlzoo.cli.messages import tell_skipped
from mtlzoo.cli.shared_arguments import image_arguments, model_argument, raw_cells_argument, views_argument
from mtlzoo.files import check_output
from mtlzoo.system.startup import load_quietly


def add_arguments(predict: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(predict, exported=True)
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="files, folders, or patterns in quotes")
    predict.add_argument("--out", type=file, help="a CSV file; by default the predictions are printed")
    predict.add_argument("--overwrite", action="store_true", help="replace an existing file")
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
    from mtlzoo.data import LabelTable
    from mtlzoo.evaluation.listing import list_files
    from mtlzoo.evaluation.unusual import count_unusual
    from mtlzoo.files.spreadsheets import write_csv

    if options.out is not None:
        check_output(options.out, overwrite=options.overwrite, inputs=[options.model, *options.images])
    images = list_files(options.images)
    if options.out is not None:  # what patterns and links in folders lead to
        check_output(options.out, overwrite=options.overwrite, inputs=images)
    predict, knows = _predictor(options)
    table, skipped = drop_bad_images(LabelTable.of_images(images), options.skip_bad)
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


def _predictor(options: argparse.Namespace) -> tuple[Callable[..., Any], bool]:
    """A function of images, which needs Keras for files of Keras alone, and whether it tells which are unusual."""
    from mtlzoo.runtimes.opening import is_runnable

    if is_runnable(options.model):
        if options.test_time_augmentation is not None:
            raise ValueError(
                "Expected --test-time-augmentation with an .h5 or .keras file, received one that has no Keras."
            )
        from mtlzoo.serving import load_predictor

        return load_predictor(options.model), False
    if importlib.util.find_spec("keras") is None:
        raise ImportError(
            f"{options.model} wants Keras and TensorFlow, which are not installed: pip install mtlzoo. Without them, a "
            ".tflite or .onnx file, or a folder of OpenVINO, predicts."
        )
    load_quietly()
    from mtlzoo.evaluation import predict
    from mtlzoo.saving import load_model

    model = load_model(options.model, trusted=options.trust)
    how = {"test_time_augmentation": options.test_time_augmentation}
    return partial(predict, model, **how), model.calibration.images is not None
