"""Files of the FashionAI competition: submissions (probabilities) and answers (label strings)."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from mtlzoo.errors import InputError, TableError
from mtlzoo.files import writing
from mtlzoo.files.regular import missing_reason

COLUMNS = ("image", "attribute", "value")
SUFFIX = "_labels"


def submission_frame(
    images: Sequence[str], attribute_names: Sequence[str], predictions: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Build the rows of a submission: each row holds one head's probabilities for one image.

    Every head predicts every image, a row asks for one head only: row `i` takes the probabilities of head
    `attribute_names[i]` at position `i`. They are written with eight decimals, as the competition wanted.

    Args:
        images: Sequence of `str`, length `rows`: file names as they are to appear in the file.
        attribute_names: Sequence of `str`, length `rows`: head names, without the ending `_labels`.
        predictions: Head name to an array of shape `(rows, classes)`, probabilities in [0, 1].

    Returns:
        A `pandas.DataFrame` with the `str` columns `image`, `attribute` (with the ending `_labels`) and `value`
        (probabilities joined by `;`), in the order of `images`.

    Raises:
        ValueError: Lengths or shapes disagree, an attribute has no predictions, or a probability is not a
            finite number of at least 0.

    Example:

    ```python
    import numpy as np

    from mtlzoo.datasets.fashionai.submission import submission_frame

    frame = submission_frame(["a.jpg"], ["coat_length"], {"coat_length": np.array([[0.25, 0.75]])})
    assert frame.loc[0].tolist() == ["a.jpg", "coat_length_labels", "0.25000000;0.75000000"]
    ```
    """
    images, attribute_names = list(images), list(attribute_names)
    if len(images) != len(attribute_names):
        raise ValueError(
            f"Expected one attribute name for each image, "
            f"received: {len(images)} images and {len(attribute_names)} attribute names."
        )
    arrays = {name: np.asarray(predictions[name]) for name in dict.fromkeys(attribute_names) if name in predictions}
    for name, array in arrays.items():
        if array.ndim != 2 or len(array) != len(images):
            raise ValueError(
                f"Expected predictions of head {name!r} with shape ({len(images)}, classes), one row for each image, "
                f"received: {array.shape}."
            )
    values = []
    for row, name in enumerate(attribute_names):
        if name not in arrays:
            raise ValueError(
                f"Expected the attribute of row {row + 1} (image {images[row]!r}) to be one of {sorted(predictions)}, "
                f"received: {name!r}. Attribute names are given without the ending {SUFFIX!r}."
            )
        probabilities = arrays[name][row]
        if not (np.isfinite(probabilities).all() and (probabilities >= 0).all()):
            raise ValueError(
                f"Expected finite probabilities of at least 0 from head {name!r} in row {row + 1} "
                f"(image {images[row]!r}), received: {probabilities.tolist()}."
            )
        values.append(";".join(f"{probability:.8f}" for probability in probabilities))
    attributes = [name + SUFFIX for name in attribute_names]
    return pd.DataFrame(dict(zip(COLUMNS, (images, attributes, values), strict=True)), dtype="str")


def write_submission(path: str | os.PathLike[str], frame: pd.DataFrame, *, overwrite: bool = False) -> None:
    r"""Write a submission as a CSV file without a header: `image,attribute,p;p;p`, lines ending in `\n`.

    The file is written beside `path` and moved into place, so that a crash leaves the old file or the new one. It is for a
    score to read, so that cells are written as they are, formulas too.

    Args:
        path: Where to write.
        frame: Columns `image`, `attribute` and `value`, as `submission_frame` builds them.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ValueError: `frame` lacks one of the columns.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    row = {"image": "Images/a.jpg", "attribute": "coat_length_labels", "value": "0.1;0.7;0.1;0.1"}
    mtl.datasets.write_submission("submission.csv", pd.DataFrame([row]))
    ```
    """
    check_columns(frame, "the submission")
    with writing(path, overwrite=overwrite) as temporary:
        frame.to_csv(temporary, columns=list(COLUMNS), header=False, index=False, lineterminator="\n", encoding="utf-8")


def read_submission(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a submission: a CSV file without a header and with the columns image, attribute, value.

    Args:
        path: File to read.

    Returns:
        A `pandas.DataFrame` with the `str` columns `image`, `attribute` and `value`; values are left as they are.

    Raises:
        ValueError: A line has another number of columns.

    Example:

    ```python
    Path("submission.csv").write_text("Images/a.jpg,coat_length_labels,0.1;0.7;0.1;0.1\\n")
    mtl.datasets.read_submission("submission.csv")
    ```
    """
    return _read(path, widths=(3,))


def read_answers(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read answers: a CSV file without a header and with the columns image, attribute, value.

    Args:
        path: File to read. A fourth column, which some of the competition's files have, is ignored.

    Returns:
        A `pandas.DataFrame` with the `str` columns `image`, `attribute` and `value` (strings of y, m and n).

    Raises:
        ValueError: A line has another number of columns.

    Example:

    ```python
    Path("answers.csv").write_text("Images/a.jpg,coat_length_labels,nynn\\n")
    mtl.datasets.read_answers("answers.csv")
    ```
    """
    return _read(path, widths=(3, 4))


def check_columns(frame: pd.DataFrame, name: str) -> None:
    """Raise a `ValueError` unless `frame`, called `name` in the message, has the columns of a submission."""
    if not set(COLUMNS) <= set(frame.columns):
        raise ValueError(f"Expected {name} to have the columns {list(COLUMNS)}, received: {list(frame.columns)}.")


def _read(path: str | os.PathLike[str], widths: Collection[int]) -> pd.DataFrame:
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"{path} {missing_reason(path)}.")  # A pipe would never end.
    # pandas' reader skips blank lines and pads short ones; errors here must name the true line.
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            rows = list(csv.reader(file))
        except (csv.Error, UnicodeError) as error:
            raise TableError(f"{path}: not a CSV file in UTF-8 ({error}).") from None
    while rows and not rows[-1]:
        rows.pop()
    for number, row in enumerate(rows, start=1):
        if len(row) not in widths:
            raise ValueError(
                f"Expected {' or '.join(map(str, widths))} columns (image,attribute,value, without a header) "
                f"in row {number} of {path}, received: {','.join(row)!r}."
            )
    return pd.DataFrame([row[:3] for row in rows], columns=list(COLUMNS), dtype="str")
