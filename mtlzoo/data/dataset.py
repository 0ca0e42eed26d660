"""From a table to batches: decoding and augmentation in all cores, through `tf.data`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.data.augmentation import Augmentation, augmentation
from mtlzoo.data.decoding import ImageError
from mtlzoo.data.loading import load_batch
from mtlzoo.data.table import Table, TableError

if TYPE_CHECKING:
    import tensorflow as tf


def image_dataset(
    table: Table,
    image_size: tuple[int, int] = (224, 224),
    batch_size: int = 32,
    *,
    augment: str | Augmentation | None = None,
    shuffle: bool = False,
    seed: int = 0,
    resize: str = "stretch",
    sample_weight: str | None = None,
    labels: bool = True,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Batches of pictures and their labels, ready for `fit`, `evaluate` and `predict`.

    The order and the augmentations depend on the seed and the epoch alone, not on how many cores there are; each epoch
    has new ones. Memory holds a few batches, whatever the number of pictures.

    Args:
        table: The rows.
        image_size: Height and width of what the network sees.
        batch_size: Rows a batch; the last one may be smaller.
        augment: `None`, `"default"` (flip, rotation, zoom, brightness), another name or an `Augmentation`.
        shuffle: Whether each epoch has a new order of all rows.
        seed: What order and augmentation are drawn from.
        resize: `"stretch"` to the size as most recipes do, `"crop"` the middle, or `"pad"`.
        sample_weight: A column of the table with the weight of each row.
        labels: Whether labels come with the pictures.
        drop_remainder: Whether to leave out a last batch that is not full.

    Returns:
        A dataset of uint8 images `(batch, height, width, 3)`, 0 to 255, RGB; with labels, of pairs with a dictionary of
        targets by head; with sample weights, of triples.

    Raises:
        TableError: If a label cannot be read; while iterating, `tf.errors.OpError` if a picture cannot.

    Example:

    ```python
    dataset = mtl.data.image_dataset(train, (224, 224), augment="default", shuffle=True, seed=0)
    model.fit(dataset, epochs=3)
    ```
    """
    import tensorflow as tf

    targets = table.labels() if labels else {}
    if sample_weight is not None:
        targets = {**targets, None: _weights(table, sample_weight)}
    chosen, paths, rows_total = augmentation(augment), table.paths(), len(table)
    kinds = [tf.as_dtype(values.dtype) for values in targets.values()]

    def load(rows: np.ndarray, batch_seed: np.ndarray) -> list[np.ndarray]:
        try:
            seeds = int(batch_seed) + np.arange(len(rows))
            images = load_batch([paths[row] for row in rows], image_size, chosen, resize, seeds)
        except ImageError:
            raise _name_row(table, rows, image_size) from None
        return [images, *(values[rows] for values in targets.values())]

    def parse(rows: tf.Tensor, batch_seed: tf.Tensor):
        # The labels are picked here too: captured as constants, a large table would not fit into the graph.
        images, *batch = tf.numpy_function(load, [rows, batch_seed], [tf.uint8, *kinds], stateful=False)
        images.set_shape((rows.shape[0], *image_size, 3))
        for tensor, values in zip(batch, targets.values()):
            tensor.set_shape((rows.shape[0], *values.shape[1:]))
        named = dict(zip(targets, batch))
        if sample_weight is not None:
            weight = named.pop(None)
            return images, named, weight
        return (images, named) if labels else images

    rows = tf.data.Dataset.range(rows_total)
    if shuffle:
        rows = rows.shuffle(max(rows_total, 1), seed=seed, reshuffle_each_iteration=True)
    rows = rows.batch(batch_size, drop_remainder=drop_remainder)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    dataset = tf.data.Dataset.zip(rows, seeds).map(parse, num_parallel_calls=os.cpu_count(), deterministic=True)
    return dataset.prefetch(2)


def _weights(table: Table, column: str) -> np.ndarray:
    if column not in table.frame:
        raise TableError(
            f"{table.source}: no column {column!r} of weights; the columns are: {', '.join(map(str, table.frame))}."
        )
    return table.frame[column].to_numpy("float32")


def _name_row(table: Table, rows: np.ndarray, image_size: tuple[int, int]) -> TableError:
    """Which row of a batch it was, found by reading its pictures one by one."""
    for row in rows:
        try:
            load_batch([table.paths()[row]], image_size, None, "stretch", [0])
        except ImageError as error:
            return TableError(f"{table.where(row)}: {error}")
    return TableError(f"{table.source}: a picture could not be read.")
