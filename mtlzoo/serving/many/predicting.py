"""Predictions for any number of images, in a folder of files that a killed process leaves whole and another goes on with."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pandas as pd

from mtlzoo.errors import OutputError
from mtlzoo.evaluation.frames import check_confidence
from mtlzoo.files import writing
from mtlzoo.images.pixel_limit import max_pixels
from mtlzoo.serving.many import manifest
from mtlzoo.serving.many.formats import FORMATS, CsvWriter, check_format
from mtlzoo.serving.many.inputs import Row, list_rows
from mtlzoo.serving.many.listed import ListedImages
from mtlzoo.serving.many.loading import load_ahead
from mtlzoo.serving.many.networks import Network
from mtlzoo.serving.predictor import Predictor
from mtlzoo.system.cores import available_cores
from mtlzoo.system.progress import Progress

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel

ROWS_PER_FILE = 10_000
DEFAULTS: dict[str, Any] = {
    "batch_size": 32,
    "probabilities": False,
    "abstain": None,
    "test_time_augmentation": None,
    "raw_cells": False,
}


class Reading(TypedDict, total=False):
    """Further arguments of :func:`predict_files`.

    Attributes:
        batch_size: Rows at a time, 32 by default.
        probabilities: As :func:`mtlzoo.predict` takes it.
        abstain: As :func:`mtlzoo.predict` takes it.
        test_time_augmentation: As :func:`mtlzoo.predict` takes it; not for exported files.
        raw_cells: CSV: no apostrophe before what a spreadsheet takes for a formula.
    """

    batch_size: int
    probabilities: bool
    abstain: float | None
    test_time_augmentation: str | None
    raw_cells: bool


@dataclass(frozen=True)
class Written:
    """What :func:`predict_files` did.

    Attributes:
        folder: The folder.
        images: How many images there are in all.
        earlier: How many of them were in files that were there before.
        predicted: For how many there is a row now that was not there.
        unreadable: How many could not be read, and are listed instead.
        missing_files: How many files are still missing, which other processes write (`shard=`).
        seconds: How long it took, without listing the images.

    Example:

    ```python
    written = mtl.predict_files(model, "images/", "predictions")
    print(f"{written.predicted} rows, {written.unreadable} images that cannot be read")
    ```
    """

    folder: Path
    images: int
    earlier: int
    predicted: int
    unreadable: int
    missing_files: int
    seconds: float


def predict_files(
    model: MultiTaskModel | Predictor,
    images: Any,
    out: str | os.PathLike[str],
    format: str = "jsonl",
    *,
    rows_per_file: int = ROWS_PER_FILE,
    shard: str | Sequence[int] | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **reading: Unpack[Reading],
) -> Written:
    """Write readable predictions for any number of images into a folder of files.

    Memory does not grow with the number of images. Called again with the same arguments, also after the process was killed,
    it goes on where files are missing: a file is there when all of its rows are. Every image has one row, or one line in a
    list of those that could not be read.

    The folder holds `predictions-00000-of-00100.jsonl` and so on, rows in the order of the images, with the columns of
    :func:`mtlzoo.predict`; `_unreadable-00000-of-00100.csv`, the images of that file that cannot be read, and why, where
    there are some; and `_manifest.json`, by which another model, another list of images or other settings are refused.

    Args:
        model: The model, or what :func:`mtlzoo.load_predictor` opens.
        images: A file, a folder (all images below it, in the order of their paths), a pattern, a table (`.csv`, `.tsv`, with
            a column `image`), a packed set; a file that was opened, such as `sys.stdin`, with a path a line; a table; or a
            list or generator of such.
        out: The folder, which is new, empty, or was begun with the same arguments.
        format: `"jsonl"` (an object of JSON a line), `"csv"` or `"parquet"` (needs `pyarrow`).
        rows_per_file: How many images each file stands for. A process that is killed loses less than one file.
        shard: `"2/8"` or `(2, 8)`: only every eighth file, from the second, for the second of eight processes. All of them
            may write into the same folder, or into folders whose files are put together afterwards.
        overwrite: Whether predictions that are in the folder are removed, to begin anew.
        progress: Whether to show on standard error how far it is.
        **reading: `batch_size`, `probabilities`, `abstain`, `test_time_augmentation`, `raw_cells`; see :class:`Reading`.

    Returns:
        How many images there were and what became of them.

    Raises:
        OutputError: If the folder holds something else, or was begun with something else.
        InputError: If images are nothing that is known, or a folder or pattern of none.
        TableError: If there are none, or a table has no column of images.
        ValueError: If there is no such format or shard.
        ImportError: If the format needs what is not installed.

    Example:

    ```python
    mtl.predict_files(model, "images/", "predictions", progress=True)
    frame = pd.concat(pd.read_json(file, lines=True) for file in sorted(Path("predictions").glob("*.jsonl")))
    ```
    """
    for name in reading.keys() - Reading.__annotations__.keys():
        raise TypeError(f"predict_files() got an unexpected keyword argument {name!r}.")
    index, shards = parse_shard(shard)
    if rows_per_file < 1 or reading.get("batch_size", 1) < 1:
        raise ValueError("Expected rows_per_file and batch_size of at least 1.")
    if overwrite and shards > 1:
        raise ValueError(
            "Expected overwrite=False where several processes write: remove the folder once, before they start."
        )
    check_format(format)
    images = list(images) if isinstance(images, tuple) else images
    folder = manifest.check(Path(out), _named(images))
    chosen: dict[str, Any] = DEFAULTS | dict(reading)
    check_confidence(chosen["abstain"])
    network = Network(
        model, chosen["test_time_augmentation"], probabilities=chosen["probabilities"], abstain=chosen["abstain"]
    )
    folder.mkdir(parents=True, exist_ok=True)
    with ListedImages(list_rows(images), folder, rows_per_file) as listed:
        settings = {"format": format, "max_pixels": max_pixels(), **chosen}
        begun = manifest.Manifest(network.digest(), listed.digest, len(listed), rows_per_file, settings, listed.files)
        manifest.begin(folder, begun, overwrite)
        return _Job(folder, listed, network, format, chosen).run(range(index - 1, listed.files, shards), progress)


def parse_shard(shard: str | Sequence[int] | None) -> tuple[int, int]:
    """`"2/8"` or `(2, 8)` as two numbers, `(1, 1)` for `None`.

    Raises:
        ValueError: If it is nothing of these, or there is no such shard.
    """
    if shard is None:
        return 1, 1
    text = shard if isinstance(shard, str) else "/".join(map(str, shard))
    if re.fullmatch(r"[0-9]{1,6}/[0-9]{1,6}", text):
        index, shards = map(int, text.split("/"))
        if 1 <= index <= shards:
            return index, shards
    raise ValueError(f"Expected a shard such as 2/8, the second of eight, received: {text[:40]!r}.")


def _named(images: Any) -> list[Any]:
    """The paths among what was given, of which none may hold the output."""
    several = images if isinstance(images, list) else [images]
    return [each for each in several if isinstance(each, str | os.PathLike)]


@dataclass
class _Job:
    """Files of one folder, written one after the other."""

    folder: Path
    listed: ListedImages
    network: Network
    format: str
    chosen: dict[str, Any]

    def run(self, own: Sequence[int], progress: bool) -> Written:
        """Write those of some files that are not there."""
        todo = [file for file in own if not self.path(file).exists()]
        total, done, bad = sum(map(self.listed.count, todo)), 0, 0
        shown, started = Progress(), time.monotonic()
        with ThreadPoolExecutor(available_cores()) as pool:
            for file in todo:
                for readable, unreadable in self.write(file, pool):
                    done, bad = done + readable + unreadable, bad + unreadable
                    if progress:
                        rate = done / (time.monotonic() - started)
                        shown.show(
                            f"{done:,} of {total:,} images, {rate:.0f} a second, {bad:,} unreadable", done, total
                        )
        missing = sum(not self.path(file).exists() for file in range(self.listed.files))
        seconds, earlier = time.monotonic() - started, sum(map(self.listed.count, own)) - total
        return Written(self.folder, len(self.listed), earlier, done - bad, bad, missing, seconds)

    def path(self, file: int) -> Path:
        """Where the predictions of a file are."""
        return self.folder / f"predictions-{file:05}-of-{self.listed.files:05}.{self.format}"

    def write(self, file: int, pool: ThreadPoolExecutor) -> Iterator[tuple[int, int]]:
        """Write a file, and tell how many rows of each batch could be read, and how many not."""
        target, refused = self.path(file), []
        batches = load_ahead(self.listed.rows(file), self.network.loader, self.chosen["batch_size"], pool)
        with (
            _unless_there(target) as temporary,
            FORMATS[self.format](temporary, self.network.columns, self.chosen["raw_cells"]) as writer,
        ):
            for batch in batches:
                if batch.rows:
                    names = [row.image for row in batch.rows]
                    writer.write(self.network.frame(batch.images, batch.geometry, names))
                refused += batch.unreadable
                yield len(batch.rows), len(batch.unreadable)
            self.list_unreadable(file, refused)  # first: what is there is not looked at again

    def list_unreadable(self, file: int, refused: list[tuple[Row, str]]) -> None:
        """Write which images of a file cannot be read."""
        path = self.folder / f"_unreadable-{file:05}-of-{self.listed.files:05}.csv"
        if not refused:
            path.unlink(missing_ok=True)  # of a process that was killed
            return
        frame = pd.DataFrame([(*row[:2], reason) for row, reason in refused], columns=["image", "path", "reason"])
        with (
            writing(path, overwrite=True, tidy=False) as temporary,
            CsvWriter(temporary, frame, self.chosen["raw_cells"]) as writer,
        ):
            writer.write(frame)


@contextmanager
def _unless_there(target: Path) -> Iterator[Path]:
    """As :func:`mtlzoo.files.writing`; if another process has written the same meanwhile, that is left."""
    try:
        with writing(target) as temporary:
            yield temporary
    except OutputError:
        if not target.exists():
            raise
