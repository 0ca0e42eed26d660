"""The layout of the FashionAI data set."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mtlzoo.data.columns import IMAGE
from mtlzoo.data.table import LabelTable
from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.errors import TableError
from mtlzoo.files.regular import require_file
from mtlzoo.heads import ClassificationHead, Head

FILES = {"train": "Annotations/label.csv", "question": "Tests/question.csv", "answer": "Tests/answer.csv"}


def read_fashionai(directory: str | Path, part: str = "train", *, maybe: str = "ignore") -> LabelTable:
    """Read the FashionAI layout: each image labelled for one of eight attributes by a text such as `nnynm`.

    In a label, letter `i` says whether value `i` applies: `y` yes (exactly one), `n` no, `m` maybe.

    Args:
        directory: The folder that holds `Annotations/` or `Tests/`, and that the image paths are relative to.
        part: `"train"` for `Annotations/label.csv`, `"question"` for `Tests/question.csv` (labels `?`), `"answer"` for
            `Tests/answer.csv`, the questions with their labels.
        maybe: What an `m` means in training: `"ignore"` nothing, `"soft"` half as likely as the `y`, so that `nnymn`
            becomes the probabilities 0, 0, 2/3, 1/3, 0.

    Returns:
        A table with one softmax head for each attribute that occurs, named without the files' `_labels`. The frame
        keeps the columns `attribute` and `letters` as they stand in the file.

    Raises:
        FileNotFoundError: If the folder or its file does not exist.
        TableError: If a row has not three or four columns, an unknown attribute or a label string that is wrong.

    Example:

    ```python
    table = mtl.data.read_fashionai("fashionAI/", maybe="soft")
    ```
    """
    if maybe not in ("ignore", "soft"):
        raise ValueError(f"Expected `maybe` to be 'ignore' or 'soft', received: {maybe!r}.")
    if part not in FILES:
        raise ValueError(f"Expected `part` to be one of {', '.join(FILES)}, received: {part!r}.")
    path = Path(directory, FILES[part])
    require_file(path, "label file")
    try:
        # Blank lines are read too, so that a row's index tells its line.
        frame = pd.read_csv(
            path,
            header=None,
            dtype=str,
            na_values=[""],
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{path.name}: not a comma-separated table: {' '.join(str(error).split())}.") from None
    frame = frame.dropna(how="all")
    if frame.shape[1] not in (3, 4):
        raise TableError(f"{path.name}: expected three or four columns without a header, received {frame.shape[1]}.")
    frame = frame.iloc[:, :3].set_axis([IMAGE, "attribute", "letters"], axis=1)
    incomplete = frame.index[frame.isna().any(axis=1)]
    if len(incomplete):
        raise TableError(
            f"{path.name}, line {incomplete[0] + 1}: expected an image, an attribute and a label, received: "
            f"{', '.join(frame.loc[incomplete[0]].dropna()) or 'nothing'}."
        )
    attributes = frame["attribute"].str.removesuffix("_labels")
    _check(frame, attributes, path.name, questions=part == "question")
    heads: dict[str, Head] = {}
    for name, values in FASHIONAI_ATTRIBUTES.items():
        rows = (attributes == name).to_numpy()
        if rows.any():
            heads[name] = ClassificationHead(values)
            frame[name] = _labels(frame["letters"].where(rows), values, soft=maybe == "soft")
    return LabelTable(frame, heads, root=Path(directory), source=path.name, first_line=1)


def _check(frame: pd.DataFrame, attributes: pd.Series, source: str, questions: bool) -> None:
    lengths = attributes.map({name: len(values) for name, values in FASHIONAI_ATTRIBUTES.items()})
    letters = frame["letters"]
    unknown = lengths.isna()
    if unknown.any():
        row = unknown.idxmax()
        raise TableError(
            f"{source}, line {row + 1} ({frame[IMAGE][row]}): unknown attribute {frame['attribute'][row]!r}, expected one "
            f"of: {', '.join(f'{name}_labels' for name in FASHIONAI_ATTRIBUTES)}."
        )
    asked = letters == "?" if questions else pd.Series(False, index=frame.index)
    wrong = ~asked & ~(letters.str.fullmatch(r"[nm]*y[nm]*") & (letters.str.len() == lengths))
    if wrong.any():
        row = wrong.idxmax()
        raise TableError(
            f"{source}, line {row + 1} ({frame[IMAGE][row]}): expected a label of {int(lengths[row])} letters y, m, n with "
            f"exactly one y{', or ?' if questions else ''}, received {letters[row]!r}."
        )


def _labels(letters: pd.Series, values: tuple[str, ...], soft: bool) -> pd.Series:
    """The label of each row: a value's name, or, for a soft label, the probabilities of all values."""
    known = letters.dropna().unique()
    meaning = {text: values[text.index("y")] for text in known if "y" in text}
    if not soft or not any("m" in text for text in meaning):
        return letters.map(meaning).astype(pd.CategoricalDtype(list(values)))
    likely = {"y": 1.0, "m": 0.5, "n": 0.0}
    return letters.map(
        {text: tuple(likely[letter] for letter in text) if "m" in text else name for text, name in meaning.items()}
    )
