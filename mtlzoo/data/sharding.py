"""Batches that divide evenly among replicas, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlzoo.heads.extras import without_extras

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class BatchShard:
    """The part of every batch that is read here, when all replicas get equally many rows.

    A batch whose rows do not divide evenly, as the last of an epoch, is filled up with rows of its own, begun again at
    the first, at weight 0: rows that take no part in any loss or metric, as if no label of theirs were known. A replica
    without any row would give `NaN` in batch normalisation on TensorFlow; JAX refuses batches that do not divide.

    Attributes:
        replicas: How many replicas there are in all.
        first: The number of the first one here.
        count: How many are here; all by default.

    Example:

    ```python
    BatchShard(replicas=2).of(dataset)  # a last batch of 5 rows becomes one of 6, the last of them at weight 0
    ```
    """

    replicas: int
    first: int = 0
    count: int | None = None

    @property
    def here(self) -> int:
        """How many replicas are here."""
        return self.replicas if self.count is None else self.count

    def rows(self, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Which of so many rows are read here, and the factors of their weights, 1 or 0."""
        import tensorflow as tf

        each = -(-total // self.replicas)
        places = tf.range(self.first * each, (self.first + self.here) * each)
        return places % total, tf.cast(places < total, "float32")

    def of(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """The part of a dataset's batches, of images, labels by the name of the head and, if there are any, weights."""
        import tensorflow as tf

        def part(*batch: Any) -> tuple[Any, Any, Any]:
            x, y, given = (*batch, None)[:3]
            chosen, factors = self.rows(tf.shape(tf.nest.flatten(x)[0])[0])

            def weights(values: tf.Tensor | None) -> tf.Tensor:
                if values is None:
                    return factors
                values = tf.reshape(tf.cast(tf.gather(values, chosen), factors.dtype), [-1])
                return values * factors

            x, y = tf.nest.map_structure(lambda values: tf.gather(values, chosen), (x, y))
            if isinstance(given, Mapping):
                return x, y, {name: weights(given.get(name)) for name in without_extras(y)}
            return x, y, weights(given)

        return dataset.map(part, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def by_replica(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """A dataset of such parts as one of every replica's own rows, one replica after the other."""
        import tensorflow as tf

        def divide(values: tf.Tensor) -> tf.Tensor:
            divided = tf.reshape(values, tf.concat([[self.here, -1], tf.shape(values)[1:]], 0))
            return tf.ensure_shape(divided, (self.here, None, *values.shape[1:]))

        return dataset.map(lambda *batch: tf.nest.map_structure(divide, batch)).unbatch().prefetch(self.here)
