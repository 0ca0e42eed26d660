"""Images sorted into folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mtlzoo.data.cells import Column
from mtlzoo.data.columns import IMAGE
from mtlzoo.data.inference import infer_head
from mtlzoo.data.markers import MARKERS, WORDS
from mtlzoo.data.parts import part_in, part_of, split_note
from mtlzoo.data.spelling import similar_names
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.files.regular import require_folder
from mtlzoo.heads import Head, get_heads
from mtlzoo.heads.texts import shorten

SPLIT = "split"
# What is taken for an image in a folder. A path that is named may have any suffix, or none.
SUFFIXES = {
    *(
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".jp2",
        ".mpo",
        ".png",
        ".apng",
        ".webp",
        ".avif",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
    ),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".pfm", ".tga", ".qoi", ".hdr"),
}


def read_folders(directory: str | Path, heads: Mapping[str, Head | int] | None = None) -> LabelTable:
    """Read images that are sorted by label: `DIR/<head>/<label>/*.jpg`, or `DIR/<label>/*.jpg` for one head `label`.

    Each image is labelled for the one head in whose folder it lies. Files that are no images by their suffix, and
    hidden files and folders, are left alone.

    One level of folders may be parts, all of them called `train`, `valid` (or `val`, `validation`, `dev`) or `test`, in any
    case: `DIR/<part>/<label>/`, `DIR/<part>/<head>/<label>/`, `DIR/<head>/<part>/<label>/` or `DIR/<label>/<part>/`. They
    become the column `split`, for :meth:`LabelTable.parts`; a single folder above them, as in `DIR/images/train/<label>/`,
    says nothing. A folder that is named among the heads is a head, whatever it is called.

    Args:
        directory: The folder.
        heads: The heads by name; by default all, binary with two labels, with more a softmax over them, in sorted order.

    Returns:
        A table with a column for every head there is, whether or not it is among the heads.

    Raises:
        FileNotFoundError: If there is no such folder.
        TableError: If it holds no images, or not in one of these ways.

    Example:

    ```python
    table = mtl.data.read_folders("images/")
    ```
    """
    directory = Path(directory)
    require_folder(directory)
    files = sorted(images_below(directory))
    folders, parts, notes = _without_parts([file.split("/")[:-1] for file in files], set(heads or ()), directory)
    examples = {len(above): file for file, above in zip(reversed(files), reversed(folders))}
    if len(examples) != 1 or not examples.keys() <= {1, 2}:
        received = " and ".join(sorted(examples.values())) or "no images"
        raise TableError(
            f"{directory}: expected images at DIR/<head>/<label>/, or all at DIR/<label>/, received: {received}."
        )
    rows = pd.DataFrame(folders)
    if rows.shape[1] == 1:
        rows.insert(0, "head", "label")
    rows.columns = ["head", "label"]
    frame, guessed = pd.DataFrame({IMAGE: files}), {}
    taken = {IMAGE: "paths"} | ({} if parts is None else {SPLIT: "parts"})
    for name in sorted(rows["head"].unique()):
        if name in taken:
            what = f"{directory}: a head cannot be called {name!r}, as the column of {taken[name]} is; rename it."
            raise TableError(what)
        frame[name] = rows["label"].where(rows["head"] == name).astype("category")
        if heads is not None:
            continue
        try:
            guessed[name] = infer_head(frame[name], kind="binary" if frame[name].nunique() == 2 else "classification")
        except ValueError as error:
            raise TableError(f"{directory}: head {name!r}: {error}.") from None
    notes += [
        f'{name}: folder "{label}" is read as a label; if the labels of its images are missing, leave them out'
        for name in frame.columns[1:]
        for label in Column.of(frame[name]).counts
        if label in MARKERS or label in WORDS - {"x", "X"} or label == "-1"
    ]
    spellings = {name: similar_names(Column.of(frame[name]).counts) for name in frame.columns[1:]}
    notes += [f"{name}: {note}" for name, found in spellings.items() for note in found]
    if parts is not None:
        frame[SPLIT] = pd.Series(parts).astype("category")
    table = LabelTable(
        frame,
        guessed if heads is None else get_heads(heads) if heads else {},
        root=directory,
        source=str(directory),
        notes=tuple(notes),
        split=None if parts is None else SPLIT,
    )
    return table if parts is None else replace(table, notes=(*notes, split_note(table)))


def _without_parts(
    folders: list[list[str]], heads: set[str], directory: Path
) -> tuple[list[list[str]], list[str] | None, list[str]]:
    """The folders above each image without those that are parts, these by themselves, and notes."""
    notes = []
    for level in range(min(map(len, folders), default=0)):
        names = sorted({above[level] for above in folders})
        words = [name for name in names if part_of(name)]
        if len({part_in(name) for name in names} - {None}) > 1 and all(map(part_in, names)):
            words = names
        labels = level == 0 and "label" in heads and max(map(len, folders)) == 1
        if not words or labels or heads & set(names):
            continue
        alone = len({tuple(above[:level]) for above in folders}) == 1
        if len(words) < len(names):
            others = shorten([name for name in names if part_of(name) is None], 5)
            if alone and (len({part_of(word) for word in words}) > 1 or _share_labels(folders, level, words)):
                raise TableError(
                    f"{directory}: the folders {shorten(words)} are parts, but {others} beside them are none: read each "
                    "part by itself, move them, or name them among the heads if they are heads."
                )
            notes.append(f"folder {words[0]!r} is taken for a label or a head, as {others} beside it are no parts")
            continue
        left = [([] if alone else above[:level]) + above[level + 1 :] for above in folders]
        bare = sorted({above[level] for above, others in zip(folders, left) if not others})
        if bare:
            raise TableError(
                f"{directory}: the folders {shorten(names)} are parts, but {shorten(bare)} has no folder for each label in "
                "it; if they are the labels themselves, give the head: heads={'label': ...}."
            )
        parts = [above[level] for above in folders]
        return left, [part if part_of(part) else str(part_in(part)) for part in parts], notes
    return folders, None, notes


def _share_labels(folders: list[list[str]], level: int, words: list[str]) -> bool:
    """Whether some folder below one that is called as parts are lies below others, too, as labels do."""
    below: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    for above in folders:
        below[above[level] in words].add(tuple(above[level + 1 :]))
    return bool(below[True] & below[False] - {()})


def images_below(directory: str | Path) -> Iterator[str]:
    """Paths of images below a folder, relative to it, with `/`; hidden files and folders are left alone."""
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(folder, name).relative_to(directory).as_posix()
