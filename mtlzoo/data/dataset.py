"""From a table to batches: decoding and augmentation in all cores, through `tf.data`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mtlzoo.data.batches import rows_in_batches, with_cardinality
from mtlzoo.data.sharding import BatchShard
from mtlzoo.data.table import Table
from mtlzoo.errors import ImageError, LabelError, TableError
from mtlzoo.images.augmentation import Augmentation, augmentation, resize_matrix
from mtlzoo.images.caching import ImageCache, image_cache
from mtlzoo.images.decoding import examine
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import check_channels, load_batch
from mtlzoo.images.source import ImageSource
from mtlzoo.system.cores import available_cores
from mtlzoo.system.deprecation import renamed_arguments

if TYPE_CHECKING:
    import tensorflow as tf


@renamed_arguments(share="shard")
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
    channels: int = 3,
    geometry: ImageGeometry | None = None,
    cache: str | Path | ImageCache | None = None,
    workers: int | None = None,
    shard: BatchShard | None = None,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Batches of images and their labels, ready for `fit`, `evaluate` and `predict`.

    The order and the augmentations depend on the seed and the epoch alone (each pass over the dataset is an epoch), not
    on TensorFlow's own seed or on how many cores there are; each epoch has new ones. Memory holds a few batches, whatever
    the number of images.

    Args:
        table: The rows.
        image_size: Height and width of what the network sees.
        batch_size: Rows a batch; the last one may be smaller.
        augment: `None`, `"default"` (flip, rotation, zoom, brightness), another name or an `Augmentation`.
        shuffle: Whether each epoch has a new order of all rows.
        seed: What order and augmentation are drawn from, at least 0.
        resize: `"stretch"` to the size as most recipes do, `"crop"` the middle, or `"pad"`.
        sample_weight: A column of the table with the weight of each row, numbers of at least 0. They come with the labels.
        labels: Whether labels come with the images.
        drop_remainder: Whether to leave out a last batch that is not full.
        channels: 3 for RGB, 1 for gray.
        geometry: Filled in, where given, with where each row's pixels come from, as the rows are loaded.
        cache: Where decoded images are kept from epoch to epoch, before augmentation: `"memory"`, a folder, which other
            processes may use too, or an :class:`ImageCache`; `None` to decode them each time. The batches are the same.
        workers: How many batches are loaded at a time; by default one for each core that the process may use. The batches
            are the same.
        share: The part of each batch to load, where several devices train together; it comes with weights.
        first_epoch: The number of the first pass, to go on where an earlier training broke off.

    Returns:
        A dataset of uint8 images `(batch, height, width, channels)`, 0 to 255; with labels, of pairs with a dictionary of
        targets by head; with sample weights, of triples with float32 `(batch,)`. Points are moved with the pixels, and
        where an image is mirrored left and right change places.

    Raises:
        ValueError: If there is not at least one worker.
        TableError: If a label or a weight cannot be read; while iterating, a `tf.errors.OpError` that says "TableError"
            and names the row if an image cannot, or if a label lies outside of its image. See :func:`plain_errors`.

    Example:

    ```python
    dataset = mtl.data.image_dataset(train, (224, 224), augment="default", shuffle=True, seed=0)
    model.fit(dataset, epochs=3)
    ```
    """
    import tensorflow as tf

    targets = table.labels() if labels else {}
    weights = [row_weights(table, sample_weight)] if labels and sample_weight is not None else []
    if shard is not None and not weights:
        weights = [np.ones(len(table), "float32")]
    columns = [*targets.values(), *weights]
    check_channels(channels)
    workers = available_cores() if workers is None else workers
    if workers < 1:
        raise ValueError(f"Expected at least 1 worker, received: {workers!r}.")
    chosen, paths, rows_total = augmentation(augment), table.paths(), len(table)
    regions, cache = table.regions(), image_cache(cache)
    epochs = itertools.count(first_epoch)

    def draw_epoch() -> tuple[np.ndarray, np.ndarray]:
        return epoch_rows(rows_total, shuffle, seed, next(epochs))

    def load(rows: np.ndarray, seeds: np.ndarray) -> list[np.ndarray]:
        try:
            parts = None if regions is None else [regions[row] for row in rows]
            sources = [paths[row] for row in rows]
            images, where = load_batch(sources, image_size, chosen, resize, seeds, parts, channels, cache)
        except ImageError as error:
            row = next(row for row in rows if paths[row] == error.path)
            raise TableError(f"{table.where(row)}: {error.reason}") from None
        if geometry is not None:
            geometry.matrices[rows], geometry.sizes[rows] = where.matrices, where.sizes
        # The labels are picked here too: captured as constants, those of a large table would not fit into the graph.
        placed = [place_labels(table, name, column[rows], where, rows) for name, column in targets.items()]
        return [images, *placed, *(column[rows] for column in weights)]

    def load_tensors(rows: tf.Tensor, seeds: tf.Tensor):
        kinds = [tf.as_dtype(column.dtype) for column in columns]
        images, *cells = tf.numpy_function(load, [rows, seeds], [tf.uint8, *kinds], stateful=False)
        images.set_shape((rows.shape[0], *image_size, channels))
        for tensor, column in zip(cells, columns):
            tensor.set_shape((rows.shape[0], *column.shape[1:]))
        if not labels:
            return images
        return (images, dict(zip(targets, cells)), *cells[len(targets) :])

    def load_share(rows: tf.Tensor, seeds: tf.Tensor):
        chosen, factors = shard.rows(tf.shape(rows)[0])
        images, targets, weights = load_tensors(tf.gather(rows, chosen), tf.gather(seeds, chosen))
        return images, targets, weights * factors

    dataset = rows_in_batches(
        draw_epoch, rows_total, batch_size, columns=2, train=shuffle, drop_remainder=drop_remainder
    )
    load_batches = load_tensors if shard is None else load_share
    dataset = dataset.map(load_batches, num_parallel_calls=workers, deterministic=True)
    batches = rows_total // batch_size if drop_remainder else -(-rows_total // batch_size)
    return with_cardinality(dataset, batches)


def epoch_rows(rows: int, shuffle: bool, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """The order of the rows in an epoch, counted from 0, and the seed of the augmentation in each place of that order."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(rows) if shuffle else np.arange(rows)
    return order, rng.integers(2**63, size=rows)


def place_labels(
    table: Table, name: str, targets: np.ndarray, geometry: ImageGeometry, rows: np.ndarray | None = None
) -> np.ndarray:
    """What a head's `place` gives for some rows of a table, all of them by default.

    Raises:
        TableError: If a label cannot be where it says in its image; it names the row.
    """
    try:
        return table.heads[name].to_input_space(targets, geometry)
    except LabelError as error:
        row = error.row if rows is None else rows[error.row]
        raise TableError(f"{table.where(row)}: head {name!r}: {error.reason}.") from None


def locate(table: Table, image_size: tuple[int, int], resize: str = "stretch") -> ImageGeometry:
    """Where each row's pixels come to lie without augmentation, from the sizes of its images.

    Raises:
        TableError: If an image cannot be read; it names the row.
    """
    geometry, regions = ImageGeometry.empty(len(table), image_size), table.regions()
    for row, path in enumerate(table.paths()):
        try:
            size = examine(ImageSource(path)).size
        except ImageError as error:
            raise TableError(f"{table.where(row)}: {error.reason}") from None
        geometry.matrices[row] = resize_matrix(size, image_size, resize, regions and regions[row])
        geometry.sizes[row] = size
    return geometry


@contextmanager
def plain_errors() -> Iterator[None]:
    """Raise the error that names a row of a table as itself; TensorFlow wraps it in pages of its own."""
    try:
        yield
    except Exception as error:
        found = re.search(r"\bTableError: (.*)", str(error))
        if isinstance(error, TableError) or found is None:
            raise
        raise TableError(found[1]) from None


def row_weights(table: Table, column: str) -> np.ndarray:
    """The weight of each row, float32 `(rows,)`.

    Raises:
        TableError: If there is no such column, or a weight is no number of at least 0; it names the row.
    """
    if column not in table.frame:
        raise TableError(
            f"{table.source}: no column {column!r} of weights; the columns are: {', '.join(map(str, table.frame))}."
        )
    cells = table.frame[column]
    weights = pd.to_numeric(cells.astype(object), errors="coerce").to_numpy("float32")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        cell = cells.iloc[[wrong[0]]].tolist()[0]
        raise TableError(f"{table.where(wrong[0])}: expected a weight of at least 0 in {column!r}, received: {cell!r}.")
    return weights
