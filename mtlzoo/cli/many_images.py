"""`mtlzoo predict` for any number of images: what they are, and a folder of files in place of one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from mtlzoo.cli.argument_types import count, path, shard

if TYPE_CHECKING:
    from mtlzoo.data import LabelTable

STANDARD_INPUT = "-"


def many_arguments(predict: argparse.ArgumentParser) -> None:
    """What is for many images."""
    predict.add_argument("--from-list", type=path, metavar="FILE", help="a file with the path of an image a line")
    many = predict.add_argument_group("many images (a folder of files, which is gone on with when called again)")
    many.add_argument("--format", choices=["jsonl", "csv", "parquet"], help="--out is a folder of files of this format")
    many.add_argument("--rows-per-file", type=count, metavar="N", help="how many images a file (default: 10,000)")
    many.add_argument(
        "--shard",
        type=shard,
        metavar="I/N",
        help="2/8: every eighth file, from the second, for 8 processes or machines",
    )
    many.add_argument("--ray", type=count, metavar="N", help="as N tasks of a Ray cluster, one a machine")


def named_inputs(options: argparse.Namespace) -> list[Any]:
    """The files and folders that are read, by which an output is refused."""
    given = [options.model, *options.images, *([options.from_list] if options.from_list else [])]
    return [each for each in given if each != STANDARD_INPUT]


@contextmanager
def opened_inputs(options: argparse.Namespace) -> Iterator[list[Any]]:
    """What :func:`mtlzoo.serving.many.inputs.list_rows` takes, for as long as the list is open.

    Raises:
        ValueError: If no images were named.
    """
    from mtlzoo.files.regular import require_file

    if not options.images and options.from_list is None:
        raise ValueError(
            "Expected images: files, folders, patterns, a table, --from-list FILE, or - for paths on standard input."
        )
    given: list[str | IO[bytes]] = [sys.stdin.buffer if each == STANDARD_INPUT else each for each in options.images]
    if options.from_list is None:
        yield given
        return
    require_file(options.from_list, "list of images")
    with open(options.from_list, "rb") as lines:
        yield [*given, lines]


def table_of_inputs(options: argparse.Namespace) -> LabelTable:
    """All images as one table, where they are few."""
    import numpy as np
    import pandas as pd

    from mtlzoo.data import LabelTable
    from mtlzoo.data.columns import IMAGE, REGION
    from mtlzoo.serving.many.inputs import list_rows

    with opened_inputs(options) as given:
        rows = list(list_rows(given))
    columns: dict[str, list[Any]] = {IMAGE: [row.image for row in rows]}
    if any(row.region is not None for row in rows):
        columns[REGION] = [row.region for row in rows]
    paths = np.asarray([row.path for row in rows], dtype=object)
    return LabelTable(pd.DataFrame(columns), {}, source="images", stored=paths)


def check_many(options: argparse.Namespace) -> None:
    """Refuse options that go with a folder of files alone, and a folder where a file is meant.

    Raises:
        ValueError: If one was given for a file, or a folder has no name.
    """
    if options.format is not None:
        if options.out is None:
            raise ValueError("Expected --out DIR with --format, received none.")
        if options.ray is not None and (
            options.shard or options.from_list or options.overwrite or "-" in options.images
        ):
            raise ValueError(
                "Expected --ray with files, folders, patterns, tables or packed sets, which all machines see, and an --out "
                "that is new or begun, received --shard, --overwrite or a list."
            )
        return
    for name in ("rows_per_file", "shard", "ray"):
        if getattr(options, name) is not None:
            raise ValueError(f"Expected --{name.replace('_', '-')} with --out DIR and --format, received no --format.")
    if options.out is not None and options.out.endswith("/"):
        raise ValueError(
            f"argument --out: expected a file to write, received: {options.out!r}; a folder of files: --format jsonl."
        )


def predict_many(options: argparse.Namespace, open_model: Callable[[], Any]) -> None:
    """Write the folder, and tell what is in it."""
    from mtlzoo.serving import predict_files, predict_on_ray

    names = ("probabilities", "abstain", "test_time_augmentation", "raw_cells")
    how: dict[str, Any] = {name: getattr(options, name) for name in names}
    if options.rows_per_file is not None:
        how["rows_per_file"] = options.rows_per_file
    if options.ray is not None:
        given: list[str] = options.images
        how |= {"tasks": options.ray, "trusted": options.trust}
        written = predict_on_ray(options.model, given, options.out, options.format, **how)
    else:
        model = open_model()
        how |= {"shard": options.shard, "overwrite": options.overwrite, "progress": True}
        with opened_inputs(options) as opened:
            written = predict_files(model, opened, options.out, options.format, **how)
    print(f"Wrote {written.predicted:,} rows to {written.folder}.")
    if written.earlier:
        print(f"{written.earlier:,} images were done before.")
    if written.unreadable:
        print(f"{written.unreadable:,} images cannot be read: {written.folder}/_unreadable-*.csv says which, and why.")
    if written.missing_files:
        print(f"{written.missing_files:,} files of other shards are not there yet.")
