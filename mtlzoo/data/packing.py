"""Images and labels in a few large files, for storage over a network: TFRecord, as `tf.data` reads it."""

from __future__ import annotations

import itertools
import json
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data.cells import short
from mtlzoo.data.column_cells import distinct_cells, restore_cells
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import ImageError, TableError
from mtlzoo.files import FolderKind, check_output, writing
from mtlzoo.files.regular import open_regular, require_folder
from mtlzoo.heads import deserialize, serialize
from mtlzoo.images.records import SUFFIX, Record, files_of
from mtlzoo.images.source import ImageSource
from mtlzoo.system.progress import Progress

DESCRIPTION, INDEX = "packed.json", "index.npz"
VERSION = 1
PLACE = ("shard", "offset", "length", "checksum")
ENCODED = "image/encoded"
SHARDS = f"part-*-of-*{SUFFIX}"
SHARD_BYTES = 128 * 2**20
# A TFRecord is the length of the data, its checksum, the data and their checksum.
BEFORE, AFTER = 12, 4
FOLDER = FolderKind(
    name="a packed table",
    marker=DESCRIPTION,
    keys=("version", "rows", "files", "columns", "heads"),
    files=(DESCRIPTION, INDEX, SHARDS),
)


def pack(
    table: LabelTable,
    folder: str | Path,
    shards: int | None = None,
    *,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Write a table and its images into a folder of a few large files.

    Over a network a few large files are read many times faster than a million small ones. Each row becomes a
    `tf.train.Example` in one of the files `part-00000-of-00004.tfrecord`: the image's file as it is, `image/encoded`, and
    a feature for each column, floats `()` where all labels are numbers and texts `()` otherwise, left out where missing;
    labels that are lists are texts of JSON. Anything that reads TFRecord reads them. Beside them lie `packed.json`, the
    heads, columns and counts, and `index.npz`, where in the files each image lies, by which :func:`read_packed` finds
    single rows. The folder appears when all of it is written.

    Args:
        table: What to pack; its rows keep their order.
        folder: The folder.
        shards: How many files; by default as many as make about 128 MiB each.
        overwrite: Whether to replace a folder that holds a packed table, and nothing else.
        progress: Whether to show progress on standard error.

    Returns:
        The folder.

    Raises:
        OutputError: If the folder holds something and is not to be replaced, or lies among the images to be packed.
        TableError: If the table has no rows, or an image cannot be read; the message names its row.
        ValueError: If there are more files than rows, or less than one.

    Example:

    ```python
    mtl.data.pack(mtl.data.read_fashionai("fashionAI/"), "packed/")
    table = mtl.data.read_packed("packed/")
    ```
    """
    folder, rows = Path(folder), len(table)
    whole = [table.root] if str(table.root) == table.source else []  # a folder of which all is read
    check_output(folder, kind=FOLDER, overwrite=overwrite, inputs=[*files_of(table.paths()), *whole])
    if not rows:
        raise TableError(f"{table.source}: no rows to pack.")
    if shards is not None and not 1 <= shards <= rows:
        raise ValueError(f"Expected 1 to {rows} files for {rows} rows, received: {shards!r}.")
    columns = {str(name): distinct_cells(table.frame[name]) for name in table.frame}
    heads = serialize(table.heads)
    if shards is None:
        shards = min(rows, -(-_total_bytes(table) // SHARD_BYTES))
    with writing(folder, kind=FOLDER, overwrite=overwrite) as temporary:
        temporary.mkdir()
        index, sizes = _write_shards(table, columns, shards, temporary, progress)
        index |= {f"column {number}": codes for number, (codes, _) in enumerate(columns.values())}
        np.savez_compressed(temporary / INDEX, allow_pickle=False, **index)
        description = {
            "version": VERSION,
            "rows": rows,
            "files": sizes,
            "columns": {name: {"feature": _kind(values), "values": values} for name, (_, values) in columns.items()},
            "heads": heads,
            "split": table.split,
        }
        (temporary / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    return folder


def read_packed(folder: str | Path) -> LabelTable:
    """Read what :func:`pack` wrote.

    The rows are found in the large files one by one, so that order, shuffling, splits and augmentation are those of the
    table that was packed; each image is checked when it is read.

    Args:
        folder: The folder.

    Returns:
        The table, with all its columns and heads.

    Raises:
        FileNotFoundError: If there is no such folder.
        TableError: If it was not written by :func:`pack`, or one of its files is missing or cut short.

    Example:

    ```python
    mtl.data.pack(table, "packed")
    packed = mtl.data.read_packed("packed")
    ```
    """
    folder = Path(folder)
    require_folder(folder)
    try:
        return _read(folder)
    except TableError:
        raise
    except Exception as error:  # whatever a damaged archive, or a description that is none, makes it stumble over
        reason = short(" ".join(str(error).split()), 200)
        raise TableError(
            f"{folder}: not a folder that `mtlzoo pack` wrote, or a damaged one ({type(error).__name__}: {reason})."
        ) from None


def _read(folder: Path) -> LabelTable:
    with open_regular(folder / DESCRIPTION) as file:
        description = json.loads(file.read().decode("utf-8"))
    version = description["version"]
    if version != VERSION:
        raise TableError(f"{folder}: expected version {VERSION} of packed tables, received: {short(repr(version))}.")
    with open_regular(folder / INDEX) as opened, np.load(opened, allow_pickle=False) as file:
        index = dict(file)
    for name, size in description["files"].items():
        if not fnmatchcase(name, SHARDS) or "/" in name:
            raise TableError(f"{folder}: expected files called {SHARDS}, received: {short(repr(name))}.")
        found = (folder / name).stat().st_size if (folder / name).is_file() else None
        if found != size:
            received = "no such file" if found is None else f"{found}"
            raise TableError(
                f"{folder}: expected {name} to have {short(str(size))} bytes, received: {received}; copy it again."
            )
    files = list(description["files"])
    places = zip(*(index[name].tolist() for name in PLACE), strict=True)
    frame = {
        name: restore_cells(index[f"column {number}"], column["values"])
        for number, (name, column) in enumerate(description["columns"].items())
    }
    addresses = [str(Record(files[file], *place)) for file, *place in places]
    heads, split = deserialize(description["heads"]), description.get("split")  # which older ones have not
    stored = np.asarray(addresses, dtype=object)
    return LabelTable(pd.DataFrame(frame), heads, root=folder, source=str(folder), stored=stored, split=split)


# === Writing ===


def _write_shards(
    table: LabelTable, columns: dict[str, tuple[np.ndarray, list[Any]]], shards: int, folder: Path, progress: bool
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Writes the files; returns where each row's image lies, and the size of each file."""
    import tensorflow as tf

    rows, paths, shown = len(table), table.paths(), Progress()
    features = {name: [*map(_feature(values), values), None] for name, (_, values) in columns.items()}
    places, sizes = np.zeros((rows, 4), "int64"), {}
    ends = np.linspace(0, rows, shards + 1).round().astype(int)
    for shard, (start, end) in enumerate(itertools.pairwise(ends)):
        name, offset = f"part-{shard:05}-of-{shards:05}{SUFFIX}", 0
        with tf.io.TFRecordWriter(str(folder / name)) as writer:
            for row in range(start, end):
                try:
                    image = ImageSource(paths[row]).read()
                except ImageError as error:
                    raise TableError(f"{table.where(row)}: {error.reason}.") from None
                example = {ENCODED: tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))}
                for column, (codes, _) in columns.items():
                    if (feature := features[column][codes[row]]) is not None:  # -1 is the last one: none.
                        example[column] = feature
                data = tf.train.Example(features=tf.train.Features(feature=example)).SerializeToString(
                    deterministic=True
                )
                writer.write(data)
                places[row] = shard, offset + BEFORE + data.index(image), len(image), zlib.crc32(image)
                offset += BEFORE + len(data) + AFTER
                if progress:
                    shown.show(f"Packed {row + 1} of {rows} rows", row + 1, rows)
        sizes[name] = offset
    return dict(zip(PLACE, places.T, strict=True)), sizes


def _total_bytes(table: LabelTable) -> int:
    paths = table.paths()
    sizes = {path: ImageSource(path).byte_size() or 0 for path in set(paths)}
    return max(1, sum(sizes[path] for path in paths))


def _feature(values: list[Any]) -> Any:
    import tensorflow as tf

    def number(value: float) -> tf.train.Feature:
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    def text(value: Any) -> tf.train.Feature:
        written = value if isinstance(value, str) else json.dumps(value)
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[written.encode()]))

    return number if _kind(values) == "float" else text


def _kind(values: list[Any]) -> str:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return "float" if values and numbers else "bytes"
