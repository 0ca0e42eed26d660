"""The layout of the UTKFace data set: the labels are in the files' names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mtlzoo.data.columns import IMAGE
from mtlzoo.data.notes import count, name_images, name_unreadable
from mtlzoo.data.table import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.files.regular import require_folder
from mtlzoo.heads import BinaryHead, ClassificationHead, RegressionHead
from mtlzoo.images.checking import same_content

OLDEST = 116
GENDERS = ("male", "female")
ETHNICITIES = ("white", "black", "asian", "indian", "other")

# Of one name the dot before `jpg` is lost, but never the digits before it.
PICTURE = re.compile(r"[^.].*[.\d\s]jpe?g", re.IGNORECASE | re.DOTALL)
# Year, month and day, as a rule with the time to the millisecond: 17 digits. No other field has more than three.
DATE = re.compile(r"\s*((?:19|20)\d{6,15})(?!\d)", re.ASCII)
NUMBER = re.compile(r"\s*(\d{1,3})\s*", re.ASCII)


def read_utkface(directory: str | Path) -> LabelTable:
    """Read the UTKFace layout (Zhang, Song and Qi 2017): images called `age_gender_race_date.jpg.chip.jpg`.

    Age is 0 to 116; gender 0 male, 1 female; race 0 white, 1 black, 2 asian, 3 indian, 4 other. What cannot be read in a
    name is missing: the race of `61_1_20170109142408075.jpg.chip.jpg`, the gender of `53__0_20170116184028385.jpg`, an age
    of 200; all of it where a name has other fields than these. A blank before the extension or a lost dot does no harm.

    Args:
        directory: A folder with images, or whose subfolders (`UTKFace/`, `part1/` and so on) have them. Below a folder
            with images nothing more is looked for; hidden files and folders are left alone.

    Returns:
        A table sorted by path, with the heads `age` (regression), `gender` (binary) and `ethnicity` (softmax), each with a
        hidden layer of 128. The frame keeps the `date`, a text of digits. The notes tell how many names could not be
        read in full, and how many images are the same byte for byte: :func:`split` and :func:`split_by_content` keep
        those on one side.

    Raises:
        FileNotFoundError: If there is no such folder.
        TableError: If it holds no images.

    Example:

    ```python
    table = mtl.data.read_utkface("UTKFace/")
    print(*table.notes, sep="\\n")
    ```
    """
    directory = Path(directory)
    require_folder(directory)
    images = sorted(_images(directory))
    if not images:
        raise TableError(
            f"{directory}: no images; expected files such as 25_0_1_20170116174525125.jpg.chip.jpg in it or below."
        )
    fields = pd.DataFrame([_fields(image.rpartition("/")[2]) for image in images])
    frame = pd.DataFrame(
        {
            IMAGE: images,
            "age": fields["age"].astype("float64"),
            "gender": _labels(fields["gender"], GENDERS),
            "ethnicity": _labels(fields["race"], ETHNICITIES),
            "date": fields["date"],
        }
    )
    heads = {
        "age": RegressionHead(hidden=[128]),
        "gender": BinaryHead(GENDERS, hidden=[128]),
        "ethnicity": ClassificationHead(ETHNICITIES, hidden=[128]),
    }
    notes = (
        *name_unreadable(frame, heads, "name"),
        *name_images(frame.loc[fields["blank"], IMAGE], "name", "with a blank before the extension"),
        *name_images(frame.loc[fields["undotted"], IMAGE], "name", "without the dot before the extension"),
        *_name_identical(directory, frame),
    )
    return LabelTable(frame, heads, root=directory, source=str(directory), notes=notes)


def _images(directory: Path) -> Iterator[str]:
    """Paths of images, relative to the folder, with `/`."""
    for folder, folders, files in os.walk(directory):
        images = [name for name in files if PICTURE.fullmatch(name)]
        folders[:] = [] if images else [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name).relative_to(directory).as_posix() for name in images)


def _fields(name: str) -> dict[str, int | str | bool | None]:
    """What a file's name says, `None` where it cannot be read."""
    *labels, last = name.split("_")
    date = DATE.match(last)
    if date is None:
        # The date itself is missing or wrong, and may be so altogether.
        labels = labels if len(labels) == 3 else [*labels, last.partition(".")[0]]
    ending = "." if date is None else last[date.end() :]
    numbers = [_number(label, most) for label, most in zip(labels, (OLDEST, 1, 4))]
    # `IMG_0_1.jpg` is the name that a camera gave, not a face without an age.
    if len(labels) > 3 or (date is None and (len(labels) < 3 or numbers[0] is None)):
        numbers = []
    age, gender, race = numbers + [None] * (3 - len(numbers))
    return {
        "age": age,
        "gender": gender,
        "race": race,
        "date": date and date[1],
        "blank": ending[:1].isspace(),
        "undotted": not ending.lstrip().startswith("."),
    }


def _number(field: str, most: int) -> int | None:
    number = NUMBER.fullmatch(field)
    return int(number[1]) if number and int(number[1]) <= most else None


def _labels(ids: pd.Series, names: tuple[str, ...]) -> pd.Series:
    return ids.map(dict(enumerate(names))).astype(pd.CategoricalDtype(list(names)))


def _name_identical(directory: Path, frame: pd.DataFrame) -> list[str]:
    """The note of how many images are there more than once, and in how many cases with different ages."""
    contents = same_content([directory / image for image in frame[IMAGE]])
    sizes = np.bincount(contents)
    groups, rows = int((sizes > 1).sum()), int(sizes[sizes > 1].sum())
    if not groups:
        return []
    differing = int((frame["age"].groupby(contents).nunique() > 1).sum())
    return [
        f"{count(groups, 'group')} of byte-identical images ({count(rows, 'row')}), in {differing} of them with "
        "different ages; `split` keeps each group on one side"
    ]
