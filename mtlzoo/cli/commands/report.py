"""`mtlzoo report`."""

from __future__ import annotations

import argparse
import sys

from mtlzoo.cli.argument_types import file, path, whole


def add_arguments(report: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    report.add_argument("run_folder", metavar="RUN", type=path, help="a folder that mtlzoo train has written")
    report.add_argument(
        "--out", type=file, help="the HTML file (default: report.html and a model card, README.md, in RUN)"
    )
    report.add_argument("--card", type=file, help="the model card, Markdown for Hugging Face (default: see --out)")
    report.add_argument("--license", metavar="NAME", help="of the model, for the card, such as apache-2.0")
    report.add_argument(
        "--by",
        nargs="+",
        metavar="COLUMN",
        help="report each group of these columns (default: those with a few values)",
    )
    report.add_argument(
        "--mistakes", type=whole(0, 1000), metavar="N", default=6, help="images of the worst mistakes of each head (6)"
    )
    report.add_argument(
        "--images", type=path, metavar="FOLDER", help="where the paths of images start, if they were moved"
    )
    report.add_argument("--model", type=path, help="the model's file, if it is not in RUN")
    report.add_argument("--trust", action="store_true", help="load a file with Lambda layers, which run code")
    report.add_argument("--overwrite", action="store_true", help="replace existing files")


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.reports.model_report import CARD, REPORT, ReportOptions, write_report
    from mtlzoo.reports.sources import files_of_run, read_run

    out = options.run_folder / REPORT if options.out is None else options.out
    card = options.run_folder / CARD if options.out is None and options.card is None else options.card
    chosen = ReportOptions(options.by, options.mistakes, card, options.license, options.overwrite)
    chosen.check(out, files_of_run(options.run_folder, options.model))
    sources = read_run(options.run_folder, options.images, options.model, options.trust)
    with runs.fonts_of_all_scripts():
        problem = write_report(sources, out, chosen)
    if problem:
        print(f"Note: {problem}", file=sys.stderr)
    print(f"Wrote {out}{'' if card is None else f' and {card}'}.")
