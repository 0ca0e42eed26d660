"""`mtlzoo export`."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

from mtlzoo.cli.argument_types import path
from mtlzoo.cli.shared_arguments import any_of, model_argument
from mtlzoo.files import check_output
from mtlzoo.system.registries import EXPORTS


def add_arguments(export: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(export)
    export.add_argument("out", metavar="OUT", type=path, help="model.h5, .keras, .tflite, .onnx, or a folder")
    export.add_argument("--format", help=f"{any_of(EXPORTS)}, where the suffix does not say")
    export.add_argument(
        "--precision",
        choices=["float32", "float16", "dynamic", "int8"],
        default="float32",
        help="of LiteRT, ONNX, OpenVINO",
    )
    export.add_argument(
        "--images",
        metavar="FOLDER|DATA",
        help="images like those that it will see; int8 needs some",
    )
    export.add_argument("--keep-float", action="store_true", help="int8: dense layers, those of the heads, in float32")
    export.add_argument("--no-verify", action="store_true", help="write it without comparing it with the model")
    export.add_argument("--runtime", choices=["local", "cdn"], help="web: in the folder, or from a public CDN")
    export.add_argument(
        "--overwrite", action="store_true", help="replace an existing file, or a folder of the same format"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.saving import export, load_model
    from mtlzoo.saving.exporting import find_format

    kind = EXPORTS[find_format(options.out, options.format)].folder
    check_output(options.out, kind=kind, overwrite=options.overwrite, inputs=[options.model])
    own = {} if options.runtime is None else {"runtime": options.runtime}
    own |= {"keep_float": True} if options.keep_float else {}
    model = load_model(options.model, trusted=options.trust)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        path = export(
            model,
            options.out,
            options.format,
            precision=options.precision,
            images=None if options.images is None else images_of(options.images),
            verify=not options.no_verify,
            overwrite=options.overwrite,
            **own,
        )
    for warning in told:
        if issubclass(warning.category, UserWarning):
            print(f"Note: {warning.message}", file=sys.stderr)
    print(f"Wrote {path}.")


def images_of(name: str) -> Any:
    """The images that a name stands for: those below a folder, the training rows of a label file, or of bundled ones."""
    from mtlzoo.cli.reading import find_bundled
    from mtlzoo.cli.suggesting import training_rows
    from mtlzoo.data import read_csv, read_packed

    path, format = find_bundled(Path(name), "csv")
    if format == "packed" or (path / "packed.json").is_file():
        return training_rows(read_packed(path))
    if path.suffix.lower() in (".csv", ".tsv") or (path / "labels.csv").is_file():
        return training_rows(read_csv(path, heads={}))
    return name
