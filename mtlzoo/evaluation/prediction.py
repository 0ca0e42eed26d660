"""Answers that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mtlzoo.data import Table, image_dataset
from mtlzoo.data.dataset import plain_errors
from mtlzoo.data.loading import load_batch
from mtlzoo.errors import TableError
from mtlzoo.models import MultiTaskModel
from mtlzoo.placement import Placement

Images = Table | Sequence[str | Path] | str | Path | np.ndarray


def outputs(model: MultiTaskModel, images: Images, batch_size: int = 32) -> dict[str, np.ndarray]:
    """What the network puts out for each head, rows on the first axis.

    Args:
        model: The model.
        images: A table; paths; one path; or an array of images `(rows, height, width, 3)` or `(height, width, 3)`, 0 to
            255, RGB, of the model's size (one channel where the model has one).
        batch_size: Rows at a time; memory holds a few batches of pictures, whatever their number.

    Returns:
        Arrays by the name of the head, in the order of the heads. Places are relative to what the network sees.

    Raises:
        ImageError: If the only picture cannot be read.
        TableError: If one of several pictures cannot be read, naming its row, or if there are none.
        ValueError: If an array has not the model's size.
    """
    return placed_outputs(model, images, batch_size)[0]


def placed_outputs(
    model: MultiTaskModel, images: Images, batch_size: int = 32
) -> tuple[dict[str, np.ndarray], Placement]:
    """:func:`outputs`, and where what the network sees lies in the pictures."""
    shape = model.input_shape[1:]
    if isinstance(images, np.ndarray):
        batch = images[None] if images.ndim == 3 else images
        if batch.ndim != 4 or any(want not in (None, got) for want, got in zip(shape, batch.shape[1:])):
            raise ValueError(f"Expected images of shape {('rows', *shape)} or {shape}, received: {images.shape}.")
        if not len(batch):
            raise TableError("No images.")
        placement = Placement.whole([batch.shape[1:3]] * len(batch), batch.shape[1:3])
    else:
        table = images if isinstance(images, Table) else Table.of_images(_listed(images))
        if not len(table):
            raise TableError(f"{table.source}: no rows.")
        if len(table) > 1:
            placement = Placement.empty(len(table), shape[:2])
            dataset = image_dataset(
                table,
                shape[:2],
                batch_size,
                resize=model.resize,
                labels=False,
                channels=shape[2],
                placement=placement,
            )
            with plain_errors():
                return _ordered(model, model.predict(dataset, verbose=0)), placement
        batch, placement = load_batch(
            table.paths(), shape[:2], resize=model.resize, regions=table.regions(), channels=shape[2]
        )
    if len(batch) <= batch_size:
        # `predict` sets up a whole input pipeline, which takes ten times as long as the network for a single picture.
        return _ordered(model, model.predict_on_batch(batch)), placement
    return _ordered(model, model.predict(batch, batch_size=batch_size, verbose=0)), placement


def predict(model: MultiTaskModel, images: Images, batch_size: int = 32, probabilities: bool = False) -> pd.DataFrame:
    """Readable answers, one row a picture.

    Args:
        model: The model.
        images: As in :func:`outputs`.
        batch_size: Rows at a time.
        probabilities: Whether to add all numbers that the network puts out, a column `<head>:<output>` each; a sigmoid
            of two answers has one, that of the second.

    Returns:
        A data frame with the column `image` (where pictures come from files), for each head a column with its name that
        holds the answer, and `<head>_probability` with that of the answer, where there is such a thing. Places are in the
        coordinates of the whole picture, in the format in which the head's labels are written.

    Example:

    ```python
    mtl.predict(model, "coat.jpg")  # one picture takes milliseconds
    mtl.predict(model, table, probabilities=True).to_csv("answers.csv", index=False)
    ```
    """
    arrays, placement = placed_outputs(model, images, batch_size)
    columns: dict[str, np.ndarray | list] = {}
    if isinstance(images, Table):
        columns["image"] = list(images.frame["image"])
    elif not isinstance(images, np.ndarray):
        columns["image"] = [str(image) for image in _listed(images)]
    for name, head in model.heads.items():
        decoded = head.decode(head.restore(arrays[name], placement))
        columns[name] = decoded["answer"]
        if "probability" in decoded:
            columns[f"{name}_probability"] = decoded["probability"]
        if probabilities:
            flat = arrays[name].reshape(len(arrays[name]), -1)
            labels = getattr(head, "names", range(flat.shape[1]))[-flat.shape[1] :]
            columns |= {f"{name}:{label}": column for label, column in zip(labels, flat.T)}
    return pd.DataFrame(columns)


def _listed(images: Sequence[str | Path] | str | Path) -> Sequence[str | Path]:
    return [images] if isinstance(images, str | Path) else images


def _ordered(model: MultiTaskModel, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(arrays[name]) for name in model.heads}
