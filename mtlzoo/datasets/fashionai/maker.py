"""A drawn data set in the layout of the FashionAI attribute challenge."""

from __future__ import annotations

import hashlib
import math
import pathlib

import cv2
import numpy as np

from mtlzoo.datasets.drawing.directories import Drawing, check_numbers
from mtlzoo.datasets.drawing.scene import image_size
from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES
from mtlzoo.datasets.fashionai.drawing.photograph import draw_garment
from mtlzoo.datasets.fashionai.drawing.scales import neighbours
from mtlzoo.system.progress import Progress

__all__ = ["make_fashionai"]

FOLDERS = ("Annotations", "Images", "Tests")
ATTRIBUTE_FRACTIONS = {  # Roughly those of the real training set.
    "coat_length": 0.14,
    "collar_design": 0.11,
    "lapel_design": 0.09,
    "neck_design": 0.08,
    "neckline_design": 0.21,
    "pant_length": 0.09,
    "skirt_length": 0.12,
    "sleeve_length": 0.16,
}
MAYBE_FRACTION = 0.08  # Of the rows whose value has a neighbour.
_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


def make_fashionai(
    directory: str | pathlib.Path,
    images: int = 2000,
    seed: int = 0,
    tests: int | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> pathlib.Path:
    """Draws a data set of clothes in the layout of the FashionAI attribute challenge.

    As in the real data, an image is labelled for one attribute only, by a string with one letter for each of the
    attribute's values: `y` for the one that is there, `n` for the others, and now and then `m`, "maybe", for a
    neighbouring value, where the drawing is indeed close to it. Values are unevenly frequent. From 400 images on, every
    value of every attribute occurs.

    What is written:

    - `Annotations/label.csv`, without a header: `Images/coat_length_labels/<name>.jpg,coat_length_labels,nnynnnnn`;
    - `Tests/question.csv`, the same with `?` for the label, and `Tests/answer.csv` with the answers;
    - the images of both, JPEG, 256 to 400 pixels tall, under `Images/<attribute>_labels/`.

    The same arguments give the same bytes. Each image depends on `seed` and its own row number only, so a larger set
    begins with the smaller one.

    Args:
        directory: where to write; made if it does not exist.
        images: number of training rows.
        seed: a number from 0.
        tests: number of question rows; a quarter of `images` by default.
        overwrite: write into a directory that is not empty, in place of what was drawn there before.
        progress: show a line that counts the images on standard error.

    Returns:
        `directory` as a path.

    Raises:
        ValueError: if `images` is below 1, or `tests` or `seed` below 0.
        OutputError: if `directory` is a file, is not empty and `overwrite` is false, or holds such a data set that was not
            drawn.

    Example:

    ```python
    from mtlzoo.datasets import make_fashionai

    make_fashionai("demo-data/", images=80, seed=0)
    ```

    Source of the layout: FashionAI "Attributes Recognition of Apparel" challenge, 2018.
    """
    tests = images // 4 if tests is None else tests
    check_numbers(images, tests, seed)
    drawing = Drawing(directory, FOLDERS, overwrite)
    for attribute in FASHIONAI_ATTRIBUTES:
        (drawing.directory / "Images" / f"{attribute}_labels").mkdir()
    plan = [("train", index) for index in range(images)] + [("test", index) for index in range(tests)]
    rows: dict[str, list[tuple[str, str, str]]] = {"train": [], "test": []}
    shown = Progress()
    for done, (split, index) in enumerate(plan, start=1):
        rows[split].append(_draw_row(drawing, split, index, seed))
        if progress:
            shown.show(f"Drew {done} of {len(plan)} images", done, len(plan))
    # The tables come last: a directory without them is known to be incomplete.
    _write_rows(drawing, "Tests/question.csv", [(path, attribute, "?") for path, attribute, _ in rows["test"]])
    _write_rows(drawing, "Tests/answer.csv", rows["test"])
    _write_rows(drawing, "Annotations/label.csv", rows["train"])
    return drawing.directory


def _draw_row(drawing: Drawing, split: str, index: int, seed: int) -> tuple[str, str, str]:
    """Draws and writes one image; returns its path, the attribute's name in the files, and the label string."""
    rng = np.random.default_rng([seed, ("train", "test").index(split), index])
    attribute, value = _choose_value(split, index, seed)
    maybe = None
    candidates = neighbours(attribute, value)
    if candidates and rng.random() < MAYBE_FRACTION:
        maybe = candidates[int(rng.integers(len(candidates)))]
    image = draw_garment(attribute, value, rng, image_size(rng), maybe)
    quality = int(rng.integers(80, 96))
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    name = hashlib.blake2b(f"{seed}/{split}/{index}".encode(), digest_size=16).hexdigest()
    path = f"Images/{attribute}_labels/{name}.jpg"
    drawing.write(path, encoded.tobytes())
    letters = {value: "y", maybe: "m"}
    return path, f"{attribute}_labels", "".join(letters.get(name, "n") for name in FASHIONAI_ATTRIBUTES[attribute])


def _fractions() -> tuple[list[tuple[str, str]], np.ndarray]:
    """All pairs of an attribute and a value, and how frequent each is; together 1."""
    pairs, fractions = [], []
    for attribute, values in FASHIONAI_ATTRIBUTES.items():
        # A mild Zipf law with the middle of each scale in front: extreme lengths are rare.
        order = np.argsort(np.abs(np.arange(len(values)) - len(values) // 2), kind="stable")
        weights = np.empty(len(values))
        weights[order] = (1 + np.arange(len(values))) ** -0.6
        pairs += [(attribute, value) for value in values]
        fractions += list(ATTRIBUTE_FRACTIONS[attribute] * weights / weights.sum())
    return pairs, np.array(fractions)


_PAIRS, _PAIR_FRACTIONS = _fractions()


def _choose_value(split: str, index: int, seed: int) -> tuple[str, str]:
    # Multiples of the golden ratio spread so evenly that no value is missed, whatever the number of rows.
    start = np.random.default_rng([seed, ("train", "test").index(split)]).random()
    position = (start + index * _GOLDEN_RATIO) % 1.0
    chosen = int(np.searchsorted(np.cumsum(_PAIR_FRACTIONS), position, side="right"))
    return _PAIRS[min(chosen, len(_PAIRS) - 1)]


def _write_rows(drawing: Drawing, path: str, rows: list[tuple[str, str, str]]) -> None:
    drawing.write(path, "".join(",".join(row) + "\n" for row in rows).encode())
