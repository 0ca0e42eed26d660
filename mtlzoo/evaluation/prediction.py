"""Answers that a person can read."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.data import Table, image_dataset
from mtlzoo.data.dataset import plain_errors
from mtlzoo.errors import ImageError, TableError
from mtlzoo.evaluation.inputs import InMemory, is_array, read_images
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import load_batch
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.image_range import warn_if_scaled
from mtlzoo.models.multitask import check_model
from mtlzoo.system.cores import available_cores

Images = Any
"""Whatever `mtlzoo.evaluation.inputs` knows."""


def outputs(model: MultiTaskModel, images: Images, batch_size: int = 32) -> dict[str, np.ndarray]:
    """What the network puts out for each head, rows on the first axis.

    Args:
        model: The model.
        images: As in :func:`predict`.
        batch_size: Rows at a time; memory holds a few batches of images, whatever their number.

    Returns:
        Arrays by the name of the head, in the order of the heads. Places are relative to what the network sees.

    Raises:
        ImageError: If the only image cannot be read, or one that is no file.
        TableError: If one of several files cannot be read, naming its row, or if there are none.
        InputError: If it is nothing that is known, or an array whose shape or numbers are none of images.
    """
    return placed_outputs(model, images, batch_size)[0]


def placed_outputs(
    model: MultiTaskModel, images: Images, batch_size: int = 32
) -> tuple[dict[str, np.ndarray], ImageGeometry]:
    """:func:`outputs`, and where what the network sees lies in the images."""
    return _answer(model, images, batch_size)[:2]


def predict(
    model: MultiTaskModel, images: Images, batch_size: int = 32, probabilities: bool = False, fetch: bool = False
) -> pd.DataFrame:
    """Readable answers, one row an image.

    Args:
        model: The model.
        images: A table; a path, a folder (all images below it, sorted) or a pattern such as `"img/*.jpg"`; the content of a
            file, as bytes or opened; an image of Pillow; an array or a tensor of one image or several, RGB, 0 to 255, of
            any size; a data frame with a column `image`; a `tf.data` dataset; or a list, generator or array of such. What
            has not the model's size is resized as files are.
        batch_size: Rows at a time.
        probabilities: Whether to add all numbers that the network puts out, a column `<head>:<output>` each; a sigmoid
            of two answers has one, that of the second.
        fetch: Whether images may be addresses of the web, which are then fetched.

    Returns:
        A data frame with the column `image` (the path, or `image 0` and so on; not for an array of images), for each head
        a column with its name that holds the answer, and `<head>_probability` with that of the answer, where there is such
        a thing. Places are in the coordinates of the whole image, in the format in which the head's labels are written.

    Raises:
        ImageError: As in :func:`outputs`.
        TableError: As in :func:`outputs`.
        InputError: As in :func:`outputs`, and if an image is an address and nothing is to be fetched.

    Example:

    ```python
    mtl.predict(model, "coat.jpg")  # one image takes milliseconds
    mtl.predict(model, table, probabilities=True).to_csv("answers.csv", index=False)
    ```
    """
    arrays, geometry, names = _answer(model, images, batch_size, fetch)
    columns: dict[str, np.ndarray | list] = {} if names is None else {"image": names}
    for name, head in model.heads.items():
        decoded = head.decode(head.to_image_space(arrays[name], geometry))
        columns[name] = decoded["answer"]
        if "probability" in decoded:
            columns[f"{name}_probability"] = decoded["probability"]
        if probabilities:
            flat = arrays[name].reshape(len(arrays[name]), -1)
            labels = getattr(head, "names", range(flat.shape[1]))[-flat.shape[1] :]
            columns |= {f"{name}:{label}": column for label, column in zip(labels, flat.T)}
    return pd.DataFrame(columns)


def _answer(
    model: MultiTaskModel, images: Images, batch_size: int, fetch: bool = False
) -> tuple[dict[str, np.ndarray], ImageGeometry, list[str] | None]:
    """What the network puts out, where it lies in the images, and what these are called, if they have names."""
    check_model(model)
    given = read_images(images, model.input_shape[1:], fetch)
    if isinstance(given, Table):
        return (*_answer_table(model, given, batch_size), list(given.frame["image"]))
    if isinstance(given, np.ndarray):
        names = [f"image {row}" for row in range(len(given))]
        arrays = _run(model, given, batch_size)
        geometry = ImageGeometry.whole([given.shape[1:3]] * len(given), given.shape[1:3])
    else:
        arrays, geometry, names = _answer_stream(model, given, batch_size)
    return arrays, geometry, None if is_array(images) else names


def _answer_table(model: MultiTaskModel, table: Table, batch_size: int) -> tuple[dict[str, np.ndarray], ImageGeometry]:
    shape = model.input_shape[1:]
    if not len(table):
        raise TableError(f"{table.source}: no rows.")
    if len(table) == 1:
        batch, geometry = load_batch(
            table.paths(), shape[:2], resize=model.resize, regions=table.regions(), channels=shape[2]
        )
        return _run(model, batch, batch_size), geometry
    geometry = ImageGeometry.empty(len(table), shape[:2])
    dataset = image_dataset(
        table, shape[:2], batch_size, resize=model.resize, labels=False, channels=shape[2], geometry=geometry
    )
    with plain_errors():
        return _ordered(model, model.predict(dataset, verbose=0)), geometry


def _answer_stream(
    model: MultiTaskModel, images: Iterator[InMemory], batch_size: int
) -> tuple[dict[str, np.ndarray], ImageGeometry, list[str]]:
    """Batch by batch; the next ones are decoded while the network looks at one."""
    *image_size, channels = model.input_shape[1:]

    def load(batch: list[InMemory]) -> tuple[np.ndarray, ImageGeometry]:
        try:
            return load_batch([image.source for image in batch], image_size, resize=model.resize, channels=channels)
        except ImageError as error:
            if error.path is None and len(batch) == 1:
                raise ImageError(error.reason, batch[0].name) from None
            for image in batch if error.path is None else ():
                load([image])  # the one that it was says its name
            raise

    names: list[str] = []
    answered, placements = [], []
    with ThreadPoolExecutor(available_cores()) as pool:
        waiting: deque[Future] = deque()
        batches = iter(lambda: list(itertools.islice(images, batch_size)), [])
        while True:
            while len(waiting) <= available_cores() and (batch := next(batches, None)):
                names += [image.name for image in batch]
                waiting.append(pool.submit(load, batch))
            if not waiting:
                break
            loaded, geometry = waiting.popleft().result()
            answered.append(_ordered(model, model.predict_on_batch(loaded)))
            placements.append(geometry)
    arrays = {name: np.concatenate([batch[name] for batch in answered]) for name in model.heads}
    where = ImageGeometry(
        np.concatenate([geometry.matrices for geometry in placements]),
        np.concatenate([geometry.sizes for geometry in placements]),
        tuple(image_size),
    )
    return arrays, where, names


def _run(model: MultiTaskModel, batch: np.ndarray, batch_size: int) -> dict[str, np.ndarray]:
    if len(batch) > batch_size:
        return _ordered(model, model.predict(batch, batch_size=batch_size, verbose=0))
    # `predict` sets up a whole input pipeline, which takes ten times as long as the network for a single image.
    warn_if_scaled(batch)
    return _ordered(model, model.predict_on_batch(batch))


def _ordered(model: MultiTaskModel, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(arrays[name]) for name in model.heads}
