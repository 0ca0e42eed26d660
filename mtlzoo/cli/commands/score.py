"""`mtlzoo score`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import path


def add_arguments(score: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    score.add_argument("submission", metavar="SUBMISSION", type=path)
    score.add_argument("answers", metavar="ANSWERS", type=path)
    score.add_argument("--ties", choices=["rows", "distinct"], default="rows", help="one term a row, or a threshold")


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.datasets import fashionai_score

    print(
        fashionai_score(options.submission, options.answers, ties=options.ties).to_string(float_format="{:.6f}".format)
    )
