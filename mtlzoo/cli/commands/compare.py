"""`mtlzoo compare`."""

from __future__ import annotations

import argparse
import sys

from mtlzoo.cli.argument_types import file, path, seed
from mtlzoo.files import check_output


def add_arguments(compare: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    compare.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        type=path,
        help="folders that mtlzoo train, or mtlzoo evaluate --out, has written; the others are compared with the first",
    )
    compare.add_argument("--out", type=file, help="an HTML file for the result, which is printed too")
    compare.add_argument("--overwrite", action="store_true", help="replace an existing file")
    compare.add_argument(
        "--group", metavar="COLUMN", help="rows with the same value belong together (default: as trained)"
    )
    compare.add_argument("--shared", action="store_true", help="compare on the rows that all runs have")
    compare.add_argument("--seed", type=seed, default=0)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.cli import runs
    from mtlzoo.reports.comparison import compare
    from mtlzoo.reports.sources import read_settings

    if options.out is not None:
        check_output(options.out, overwrite=options.overwrite, inputs=options.runs)
    group = options.group or read_settings(options.runs[0]).get("group")
    comparison = compare(options.runs, group=group, shared=options.shared, seed=options.seed)
    for note in comparison.notes:
        print(f"Note: {note}", file=sys.stderr)
    print("\n".join(comparison.sentences()))
    print(f"\n{runs.as_text(comparison.table())}")
    if options.out is not None:
        comparison.to_html(options.out, overwrite=options.overwrite)
        print(f"\nWrote {options.out}.")
