"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from typing import Any

from mtlzoo.cli.argument_types import path, whole
from mtlzoo.system.registries import FORMATS, HEADS
from mtlzoo.system.registry import Registry


def any_of(registry: Registry[Any]) -> str:
    """The names of a registry as a list in a sentence."""
    *names, last = registry.names()
    return f"{', '.join(names)} or {last}"


def _heads_help() -> str:
    return (
        "columns to learn: NAME, NAME=KIND, size=ordinal:S,M,L or tags=multilabel:separator=/ (default: all); kinds: "
        + ", ".join(HEADS.names())
    )


def model_argument(command: argparse.ArgumentParser, exported: bool = False) -> None:
    """The model, and whether its file is trusted; of some commands also a file that runs without Keras."""
    kinds = ".h5, .keras, .tflite or .onnx file, or a folder of OpenVINO," if exported else ".h5 or .keras file"
    command.add_argument("model", metavar="MODEL", type=path, help=f"an {kinds} that mtlzoo wrote")
    command.add_argument("--trust", action="store_true", help="load a file with Lambda layers, which run code")


def raw_cells_argument(command: argparse.ArgumentParser) -> None:
    """How cells of CSV files are written."""
    command.add_argument(
        "--raw-cells", action="store_true", help="CSV: no apostrophe before what a spreadsheet takes for a formula"
    )


def views_argument(command: argparse.ArgumentParser) -> None:
    """How often each image is looked at."""
    command.add_argument(
        "--test-time-augmentation",
        choices=["flip"],
        help="look at each image and its mirror image, and take the mean; twice the time",
    )


def image_arguments(command: argparse.ArgumentParser) -> None:
    """What is done about images that cannot be read, or are too large."""
    command.add_argument("--skip-bad", action="store_true", help="go on without unreadable images, and list them")
    max_pixels_argument(command)


def max_pixels_argument(command: Any) -> None:
    """Which images are too large."""
    command.add_argument(
        "--max-pixels",
        type=whole(1, 2**40),
        metavar="N",
        help="images with more are refused unread (default: 89,478,485, as Pillow)",
    )


def data_arguments(command: argparse.ArgumentParser) -> None:
    """A label file or dataset: where it is, how it is written, which of its rows."""
    command.add_argument(
        "data",
        metavar="DATA",
        type=path,
        help="a label file, the dataset's folder, or blood_cells: photographs that come with mtlzoo",
    )
    command.add_argument(
        "--format", choices=FORMATS.names(), default="csv", help="how the labels are kept (default: csv)"
    )
    command.add_argument(
        "--part",
        help="only these rows: train, valid or test (fashionai: train or answer; default: all, or what is to be trained on)",
    )
    command.add_argument(
        "--split-column",
        metavar="COLUMN",
        help="the column of train, valid and test (default: the one that holds these; none: split by chance)",
    )
    command.add_argument(
        "--corrections",
        nargs="+",
        type=path,
        default=[],
        metavar="CSV",
        help="files with the columns image (or row), head and label, whose labels are put in place of the table's",
    )
    image_arguments(command)
    table = command.add_argument_group("how a label file is written (csv)")
    table.add_argument(
        "--missing",
        nargs="*",
        metavar="CELL",
        help="cells that mean a missing label, beside NA, ? and the like; alone: none but empty ones",
    )
    table.add_argument("--sep", metavar="CHARACTER", help="what divides cells, such as ';' or tab (default: as seen)")
    table.add_argument("--encoding", help="such as cp1252 (default: UTF-8, or UTF-16 as seen)")
    table.add_argument("--decimal", choices=[",", "."], help="what divides decimals (default: as seen)")
    table.add_argument(
        "--layout", choices=["wide", "long"], help="a column a head, or a row a label (default: as seen)"
    )


def label_arguments(labels: Any) -> None:
    """What of a label file is learned."""
    labels.add_argument("--heads", nargs="+", metavar="HEAD", help=_heads_help())
    labels.add_argument("--image", default="image", metavar="COLUMN", help="the column of images (default: image)")
    labels.add_argument("--ignore", nargs="+", default=[], metavar="COLUMN", help="columns that are no heads")
    labels.add_argument("--group", metavar="COLUMN", help="rows with the same value stay in one part")
    labels.add_argument("--maybe", choices=["ignore", "soft"], default="ignore", help="fashionai: what an m means")
