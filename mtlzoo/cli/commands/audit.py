"""`mtlzoo audit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtlzoo.cli.argument_types import path, pixels, seed
from mtlzoo.cli.label_reading import read_labels
from mtlzoo.cli.messages import tell_notes
from mtlzoo.cli.shared_arguments import data_arguments, label_arguments
from mtlzoo.files import check_folder, check_output

PAGE, CORRECTIONS = "audit.html", "corrections.csv"


def add_arguments(audit: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    data_arguments(audit)
    audit.add_argument(
        "--out",
        required=True,
        metavar="REPORT",
        type=path,
        help=f"a folder for {PAGE} and {CORRECTIONS}, or an .html file, beside which the .csv file comes",
    )
    audit.add_argument("--overwrite", action="store_true", help="replace an earlier audit's files")
    audit.add_argument("--no-suspects", action="store_true", help="do not look for wrong labels: far quicker")
    audit.add_argument("--engine", choices=["mtlzoo", "cleanlab"], default="mtlzoo", help="(default: mtlzoo)")
    audit.add_argument("--quiet", action="store_true", help="print the result alone")
    audit.add_argument("--seed", type=seed, default=0)
    label_arguments(audit.add_argument_group("labels"))
    network = audit.add_argument_group("whose features tell wrong labels")
    network.add_argument("--model", type=path, help="a trained model, an .h5 or .keras file that mtlzoo wrote")
    network.add_argument("--trust", action="store_true", help="load a file with Lambda layers, which run code")
    network.add_argument("--backbone", help="see `mtlzoo models` (default: MobileNetV2 0.35, which comes along)")
    network.add_argument("--weights", default="auto", help="imagenet, or a file (default: imagenet if there are)")
    network.add_argument("--image-size", type=pixels, metavar="PIXELS", help="of the backbone (default: 160)")


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    import mtlzoo as mtl
    from mtlzoo.cli import runs
    from mtlzoo.saving import load_model

    page, csv = _places(options.out)
    inputs = [options.data, *options.corrections, *([options.model] if options.model else [])]
    if page.parent == options.out:
        check_folder(options.out, overwrite=options.overwrite, inputs=inputs)
    for place in (page, csv):
        check_output(place, overwrite=options.overwrite, inputs=inputs)
    model = None if options.model is None else load_model(options.model, trusted=options.trust)
    table = read_labels(options)
    tell_notes(table, quiet=options.quiet)
    size = options.image_size
    found = mtl.audit(
        table,
        model=model,
        backbone=options.backbone,
        weights=options.weights,
        image_size=None if size is None else (size, size),
        group=options.group,
        suspects=not options.no_suspects,
        engine=options.engine,
        seed=options.seed,
        progress=not options.quiet,
    )
    print(found)
    with runs.fonts_of_all_scripts():
        found.to_html(page, overwrite=options.overwrite)
    found.to_csv(csv, overwrite=options.overwrite)
    print(f"\nWrote {page} and {csv}: fill in the column label, and give it to --corrections.")


def _places(out: Path) -> tuple[Path, Path]:
    """Where the page and the file of corrections come."""
    if out.suffix.lower() in (".html", ".htm"):
        return out, out.with_suffix(".csv")
    return out / PAGE, out / CORRECTIONS
