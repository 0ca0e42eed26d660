"""`mtlzoo export`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import path
from mtlzoo.cli.shared_arguments import any_of, model_argument
from mtlzoo.files import check_output
from mtlzoo.system.registries import EXPORTS


def add_arguments(export: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(export)
    export.add_argument("out", metavar="OUT", type=path, help="model.h5, .keras, .tflite, .onnx, or a folder")
    export.add_argument("--format", help=f"{any_of(EXPORTS)}, where the suffix does not say")
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
    runtime = {} if options.runtime is None else {"runtime": options.runtime}
    model = load_model(options.model, trusted=options.trust)
    print(f"Wrote {export(model, options.out, options.format, overwrite=options.overwrite, **runtime)}.")
