"""The end of every input pipeline: a known length, batches loaded ahead, nothing left to tune."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def of_known_length(dataset: tf.data.Dataset, batches: int, ahead: int = 2) -> tf.data.Dataset:
    """Says how many batches a pass has, and loads some ahead of who reads them.

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
    return dataset.with_options(options)
