"""What `predict` takes: whatever people have images in, told apart here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable, read_csv, read_folders
from mtlzoo.data.columns import IMAGE
from mtlzoo.errors import InputError, TableError
from mtlzoo.evaluation.fetching import fetch_image, is_url
from mtlzoo.evaluation.listing import list_files
from mtlzoo.evaluation.memory_images import CHANNELS, array_file, as_pixels, is_pillow, pillow_file
from mtlzoo.models.image_range import warn_if_scaled

ACCEPTED = (
    "a path, a folder, a pattern such as 'img/*.jpg', an array, an image of Pillow, bytes, an open file, a table, a data "
    "frame with a column 'image', a dataset of batches, or a list or generator of such"
)
TEXTS = "USO"  # kinds of arrays that hold texts or objects


class InMemory(NamedTuple):
    """An image that comes by itself.

    Attributes:
        name: How messages and the column `image` call it.
        source: The content of a file, or the path of one.
    """

    name: str
    source: bytes | str


def read_images(
    images: Any, shape: tuple[int | None, ...], fetch: bool = False
) -> LabelTable | np.ndarray | Iterator[InMemory]:
    """Tell what was given.

    Args:
        images: What a user has.
        shape: Height, width and channels of the model.
        fetch: Whether addresses of the web may be fetched.

    Returns:
        A table, if all are files; an array `(rows, height, width, channels)`, if it has the model's size already; else an
        iterator, which makes one image after the other.

    Raises:
        InputError: If it is nothing that is known, or a folder or pattern of no images; iterators raise it later.
        TableError: If there are none.
    """
    if isinstance(images, LabelTable):
        return images
    if isinstance(images, Mapping):
        raise InputError(f"Expected {ACCEPTED}, received: {_described(images)}.")
    if isinstance(images, pd.DataFrame):
        images = _image_column(images)
    if isinstance(images, pd.Series):
        images = images.tolist()
    array = _as_array(images)
    if array is not None and array.dtype.kind in TEXTS:
        images, array = _texts(array), None
    if array is not None:
        batch = _batch_of_arrays(array)
        if not len(batch):
            raise TableError("No images.")
        return as_pixels(batch) if _has_size(batch.shape[1:], shape) else _each(batch, fetch)
    if _is_path(images):
        images = [images]
    if not isinstance(images, list | tuple):
        return _each([images] if _is_one(images) else _rows(images), fetch)
    if all(isinstance(image, np.ndarray) and _has_size(image.shape, shape) for image in images) and images:
        return as_pixels(np.stack(images)) if len({image.dtype for image in images}) == 1 else _each(images, fetch)
    if not all(_is_path(image) and not is_url(os.fsdecode(image)) for image in images):
        return _each(images, fetch)
    return LabelTable.of_images(list_files(images))


def is_array(images: Any) -> bool:
    """Whether it is one array of numbers, of one image or several, whose images have no names."""
    array = _as_array(images)
    return array is not None and array.dtype.kind not in TEXTS


def read_labelled(data: Any) -> LabelTable:
    """Images with labels: a table, a data frame, a label file, or a folder of either layout; heads are not guessed.

    Raises:
        InputError: If it is nothing of these.
        TableError: If it has no column of images.
    """
    if isinstance(data, LabelTable):
        return data
    if isinstance(data, pd.DataFrame):
        return LabelTable(data, {}, source="data frame")
    if isinstance(data, str | os.PathLike):
        # A column that is no head, or has one label only, is nobody's business here.
        sorted_by_label = Path(data).is_dir() and not (Path(data) / "labels.csv").is_file()
        return (read_folders if sorted_by_label else read_csv)(os.fspath(data), heads={})
    raise InputError(
        "Expected images with labels: a table, a data frame with a column 'image', a CSV file or a folder, received: "
        f"{_described(data)}. Arrays with labels: model.evaluate(images, labels, return_dict=True)."
    )


# === One after the other ===


def _each(images: Iterable[Any], fetch: bool) -> Iterator[InMemory]:
    """One image after the other, whatever each of them is, counted from 0."""
    count = 0
    for image in images:
        for part in _parts(image):
            found = _in_memory(part, f"image {count}", fetch)
            if isinstance(part, np.ndarray) and count == 0:
                warn_if_scaled(part)
            yield found
            count += 1
    if not count:
        raise TableError("No images.")


def _parts(image: Any) -> Iterable[Any]:
    """What one element stands for: a batch is several images, and so is a folder."""
    image = _without_labels(image)
    if _is_path(image):
        text = os.fsdecode(image)
        return [text] if is_url(text) else list_files([text])
    array = _as_array(image)
    if array is None:
        return [image]
    if array.dtype.kind in TEXTS:
        return [part for text in _texts(array) for part in _parts(text)]
    return _batch_of_arrays(array)


def _without_labels(element: Any) -> Any:
    """The images of an element in which labels, and perhaps weights, stand beside them, as datasets have it."""
    if not isinstance(element, tuple | list) or not 1 <= len(element) <= 3:
        return element
    images, *others = element
    arrays = [_as_array(other) for other in others if not isinstance(other, Mapping)]
    beside = all(array is not None and array.ndim < 3 for array in arrays)
    return images if beside and getattr(_as_array(images), "ndim", 0) >= 3 else element


def _in_memory(image: Any, name: str, fetch: bool) -> InMemory:
    if isinstance(image, str):
        if not is_url(image):
            return InMemory(image, image)
        if not fetch:
            raise InputError(
                f"{image} is an address, and nothing is fetched unless told: say fetch=True, or download it first."
            )
        return InMemory(image, fetch_image(image))
    if isinstance(image, np.ndarray):
        return InMemory(name, array_file(image, name))
    if is_pillow(image):
        return InMemory(name, pillow_file(image, name))
    if isinstance(image, bytes | bytearray | memoryview):
        return InMemory(name, bytes(image))
    if hasattr(image, "read"):
        content = image.read()
        if isinstance(content, bytes):
            return InMemory(name, content)
        raise InputError(
            f'{name}: expected a file opened in binary mode (open(path, "rb")), received: {_described(image)}.'
        )
    raise InputError(f"{name}: expected {ACCEPTED}, received: {_described(image)}.")


def _rows(images: Any) -> Iterable[Any]:
    """What comes of something that is gone through: a dataset, a generator, a set."""
    if hasattr(images, "__getitem__") and hasattr(images, "num_batches"):  # a PyDataset goes on without end
        return (images[index] for index in range(len(images)))
    if isinstance(images, Iterable):
        return images
    raise InputError(f"Expected {ACCEPTED}, received: {_described(images)}.")


# === Kinds ===


def _is_one(value: Any) -> bool:
    """Whether it is one image or something that stands for itself, though one could go through it."""
    return (
        _is_path(value)
        or isinstance(value, bytearray | memoryview)
        or hasattr(value, "read")
        or is_pillow(value)
        or (isinstance(value, bytes))
    )


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _as_array(value: Any) -> np.ndarray | None:
    """An array of numbers or paths, of any framework; `None` if it is something else."""
    if isinstance(value, np.ndarray):
        return value
    if (
        is_pillow(value)
        or isinstance(value, str | bytes)
        or not (hasattr(value, "__array__") and hasattr(value, "shape"))
    ):
        return None
    if hasattr(value, "detach"):  # of torch, perhaps on another device
        value = value.detach().cpu()
    return np.asarray(value)


def _texts(array: np.ndarray) -> list[Any]:
    """The paths in an array; those of TensorFlow are bytes."""
    return [os.fsdecode(text) if isinstance(text, bytes) else text for text in array.reshape(-1).tolist()]


def _batch_of_arrays(array: np.ndarray) -> np.ndarray:
    """The images in an array, one a row.

    Raises:
        InputError: If its shape is none of images.
    """
    if array.ndim == 4 and array.shape[-1] in CHANNELS:
        return array
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in CHANNELS):
        return array[None]
    if array.ndim == 3 and array.shape[0] not in CHANNELS:
        return array[..., None]
    raise InputError(
        "Expected images of shape (height, width), (height, width, channels) or (rows, height, width, channels), with 1, 3 "
        f"or 4 channels last, received: {array.shape}."
    )


def _has_size(own: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    return len(own) == len(shape) and all(size in (None, got) for size, got in zip(shape, own))


def _image_column(frame: pd.DataFrame) -> pd.Series:
    if IMAGE in frame:
        return frame[IMAGE]
    if len(frame.columns) == 1:
        return frame.iloc[:, 0]
    columns = ", ".join(map(str, frame.columns[:20]))
    raise InputError(f"Expected a data frame with a column {IMAGE!r}, received one with: {columns}.")


def _described(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return f"{shown if len(shown) <= 60 else f'{shown[:57]}...'} ({type(value).__name__})"
