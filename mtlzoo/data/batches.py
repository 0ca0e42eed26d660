"""Both ends of every input pipeline: rows drawn again for each pass; a known length, batches loaded ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.heads.targets import CHECKED

if TYPE_CHECKING:
    import tensorflow as tf


def reshuffled_each_epoch(
    draw: Callable[[], Sequence[np.ndarray]], columns: int = 1, sizes: Sequence[int] | None = None
) -> tf.data.Dataset:
    """Elements that a function draws, once for each pass.

    Args:
        draw: Returns int64 arrays `(elements,)`.
        columns: How many arrays.
        sizes: How many elements each batch has; `None` for no batches.

    Returns:
        A dataset of as many scalars, or of as many vectors.
    """
    import tensorflow as tf

    def elements(_: tf.Tensor) -> tf.data.Dataset:
        drawn = tf.numpy_function(draw, [], [tf.int64] * columns, stateful=True)
        for column in drawn:
            column.set_shape((None,))
        if sizes is not None:
            ends = tf.constant(np.cumsum([0, *sizes]), tf.int64)
            places = tf.data.Dataset.range(len(sizes))
            return places.map(lambda place: tuple(column[ends[place] : ends[place + 1]] for column in drawn))
        return tf.data.Dataset.from_tensor_slices(tuple(drawn) if columns > 1 else drawn[0])

    # Not by `from_generator`: it makes glibc map and unmap every block of 128 KiB and more, in the whole process
    # (a remedy for https://github.com/tensorflow/tensorflow/issues/65675), and training on a CPU takes half as long again.
    return tf.data.Dataset.range(1).flat_map(elements)


def rows_in_batches(
    draw: Callable[[], Sequence[np.ndarray]],
    rows: int,
    batch_size: int,
    columns: int = 1,
    *,
    train: bool = False,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Rows that a function draws, once for each pass, in batches of so many.

    Where nothing remains they are told to be of one size, with which a step of a small network is some percent faster.

    Args:
        draw: Returns int64 arrays `(rows,)`.
        rows: How many rows a pass has.
        batch_size: Rows a batch.
        columns: How many arrays.
        train: Whether the last two batches share their rows where the last one would have fewer than half of the others:
            batch normalisation takes mean and variance over a batch, and those of one row are of no use.
        drop_remainder: Whether to leave out a last batch that is not full.
    """
    remainder = rows % batch_size
    if train and not drop_remainder and 0 < remainder < batch_size / 2 and rows > batch_size:
        sizes = [batch_size] * (rows // batch_size - 1)
        shared = batch_size + remainder
        return reshuffled_each_epoch(draw, columns, [*sizes, shared - shared // 2, shared // 2])
    return reshuffled_each_epoch(draw, columns).batch(batch_size, drop_remainder=drop_remainder or remainder == 0)


def with_cardinality(dataset: tf.data.Dataset, batches: int, ahead: int = 2) -> tf.data.Dataset:
    """Tells how many batches a pass has, and loads some of them ahead.

    Args:
        dataset: Batches, loaded by as many workers as it says itself.
        batches: How many.
        ahead: How many wait to be read, at most.

    Returns:
        The dataset, not tuned by TensorFlow. Nothing is left for the tuner, and an iterator that ends waits until the
        tuner wakes; its sleep doubles from 10 ms on, so that this was up to half of a short epoch.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(ahead)
    dataset = dataset.with_options(options)
    setattr(dataset, CHECKED, True)
    return dataset
