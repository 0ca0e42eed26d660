"""The `tf.data` pipeline: rows are drawn, loaded by all cores, and come out as batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.data.batches import rows_in_batches, with_cardinality
from mtlzoo.data.mixing import Mixing, mixing
from mtlzoo.data.row_values import epoch_rows, place_labels, row_weights
from mtlzoo.data.sampling import check_sampling, sampling_weights
from mtlzoo.data.sharding import BatchShard
from mtlzoo.data.table import LabelTable
from mtlzoo.data.taught import TaughtRows
from mtlzoo.errors import ImageError, TableError
from mtlzoo.heads.mixed import Partners, with_partners
from mtlzoo.heads.taught import with_taught
from mtlzoo.images.augmentation import Augmentation, augmentation
from mtlzoo.images.caching import ImageCache, image_cache
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import ImageLoader
from mtlzoo.system.cores import available_cores
from mtlzoo.system.pipeline_errors import PipelineErrors

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class PipelineSettings:
    """How the rows of a table become batches.

    Attributes:
        image_size: Height and width of the images, in pixels.
        batch_size: Rows a batch.
        augment: How images are varied; `None` for not at all.
        shuffle: Whether each epoch has a new order of all rows.
        seed: What order and augmentation are drawn from, at least 0.
        resize: `"stretch"`, `"crop"` or `"pad"`.
        sample_weight: The column with the weight of each row; `None` for no weights.
        labels: Whether labels come with the images.
        drop_remainder: Whether to leave out a last batch that is not full.
        channels: 3 for RGB, 1 for gray.
        cache: Where decoded images are kept from epoch to epoch; `None` to decode them each time.
        workers: How many batches are loaded at a time; `None` for one on each core.
        shard: The part of each batch that is loaded; `None` for all of it.
        first_epoch: The number of the first pass.
        first_batch: How many batches each pass leaves out at its start, for one that was broken off.
        mix: How images of a batch are mixed, and their labels with them; `None` for not at all.
        sampling: Which rows a shuffled epoch draws more often; `None` for each once. See
            :func:`mtlzoo.data.sampling.sampling_weights`.
        taught: A teacher's labels of the rows, which come with the labels; `None` for none. Rows with such are not mixed.

    Raises:
        ValueError: If there is not at least one worker, or no such number of channels, augmentation, mixing or cache.
    """

    image_size: tuple[int, int] = (224, 224)
    batch_size: int = 32
    augment: str | Augmentation | None = None
    shuffle: bool = False
    seed: int = 0
    resize: str = "stretch"
    sample_weight: str | None = None
    labels: bool = True
    drop_remainder: bool = False
    channels: int = 3
    cache: str | Path | ImageCache | None = None
    workers: int | None = None
    shard: BatchShard | None = None
    first_epoch: int = 0
    first_batch: int = 0
    mix: str | Mixing | None = None
    sampling: str | None = None
    taught: TaughtRows | None = None

    def loader(self) -> ImageLoader:
        """What loads the images."""
        chosen, cache = augmentation(self.augment), image_cache(self.cache)
        return ImageLoader(self.image_size, chosen, self.resize, self.channels, cache)

    def sampling_weights(self, table: LabelTable) -> np.ndarray | None:
        """How often each row of a table is drawn, beside the others; `None` for each once.

        Raises:
            ValueError: If there is no such sampling.
            TableError: If a label cannot be read.
        """
        chosen = check_sampling(self.sampling)
        return sampling_weights(table, chosen) if chosen is not None and self.shuffle else None

    def worker_count(self) -> int:
        """How many batches are loaded at a time.

        Raises:
            ValueError: If there is not at least one worker.
        """
        workers = available_cores() if self.workers is None else self.workers
        if workers < 1:
            raise ValueError(f"Expected at least 1 worker, received: {workers!r}.")
        return workers


def build_pipeline(
    table: LabelTable, settings: PipelineSettings, geometry: ImageGeometry | None = None
) -> tf.data.Dataset:
    """The batches of a table, see :func:`mtlzoo.data.image_dataset`.

    Args:
        table: The rows.
        settings: How they become batches.
        geometry: Filled in, where given, with where each row's pixels come from, as the rows are loaded.

    Raises:
        ValueError: If a setting is wrong.
        TableError: If a label or a weight cannot be read.
    """
    rows, batch_size, drop = len(table), settings.batch_size, settings.drop_remainder
    loader, workers = RowLoader(table, settings, geometry), settings.worker_count()
    epochs, weights = itertools.count(settings.first_epoch), settings.sampling_weights(table)

    def draw_epoch() -> tuple[np.ndarray, np.ndarray]:
        return epoch_rows(rows, settings.shuffle, settings.seed, next(epochs), weights)

    dataset = rows_in_batches(draw_epoch, rows, batch_size, columns=2, train=settings.shuffle, drop_remainder=drop)
    dataset = dataset.skip(settings.first_batch) if settings.first_batch else dataset
    load = loader.tensors if settings.shard is None else loader.shard_tensors
    dataset = dataset.map(load, num_parallel_calls=workers, deterministic=True)
    batches = rows // batch_size if drop else -(-rows // batch_size)
    return loader.errors.raised_by(with_cardinality(dataset, batches - settings.first_batch))


class RowLoader:
    """Loads the rows of one batch at a time: images, targets and weights.

    Args:
        table: The rows.
        settings: How they are loaded.
        geometry: Filled in, where given, with where each row's pixels come from.

    Attributes:
        errors: What :meth:`load` raised within a dataset.

    Raises:
        ValueError: If a setting is wrong.
        TableError: If a label or a weight cannot be read.
    """

    def __init__(self, table: LabelTable, settings: PipelineSettings, geometry: ImageGeometry | None = None):
        self.table, self.settings, self.geometry = table, settings, geometry
        self.targets = table.labels() if settings.labels else {}
        self.weights = []
        if settings.labels and settings.sample_weight is not None:
            self.weights = [row_weights(table, settings.sample_weight)]
        elif settings.shard is not None:
            self.weights = [np.ones(len(table), "float32")]
        self.taught = settings.taught if settings.labels else None
        self.images, self.paths, self.regions = settings.loader(), table.paths(), table.regions()
        self.mixing = mixing(settings.mix) if settings.labels else None
        self.mixed_heads = [name for name in self.targets if table.heads[name].mixes]
        self.suitable = {way: self._suitable(way) for way in (self.mixing.ways if self.mixing else ())}
        self.errors = PipelineErrors()

    def load(self, rows: np.ndarray, seeds: np.ndarray) -> list[np.ndarray]:
        """The uint8 images `(rows, height, width, channels)`, the targets of each head, weights, if there are any, and what
        a teacher says, if there is one.

        Args:
            rows: Positions in the table, int64 `(rows,)`.
            seeds: The seed of each row's augmentation, int64 `(rows,)`.

        Raises:
            TableError: If an image cannot be read, or a label lies outside of its image; it names the row.
        """
        table, paths = self.table, [self.paths[row] for row in rows]
        try:
            regions = None if self.regions is None else [self.regions[row] for row in rows]
            images, geometry = self.images.load_batch(paths, seeds, regions)
        except ImageError as error:
            row = next(row for row in rows if self.paths[row] == error.path)
            raise TableError(f"{table.where(row)}: {error.reason}") from error
        if self.geometry is not None:
            self.geometry.matrices[rows], self.geometry.sizes[rows] = geometry.matrices, geometry.sizes
        # The labels are picked here too: captured as constants, those of a large table would not fit into the graph.
        targets = [place_labels(table, name, column[rows], geometry, rows) for name, column in self.targets.items()]
        taught = [] if self.taught is None else self.taught.columns(table, rows, geometry)
        return [images, *targets, *(column[rows] for column in self.weights), *taught]

    def load_mixed(self, rows: np.ndarray, seeds: np.ndarray, chosen: np.ndarray) -> list[np.ndarray]:
        """What :meth:`load` gives for some rows of a batch, each mixed with another row of the whole batch.

        Args:
            rows: Positions in the table of the whole batch, int64 `(rows,)`.
            seeds: Their seeds.
            chosen: The places in the batch of those that are loaded, int64 `(chosen,)`.

        Returns:
            As :meth:`load`, and further the targets of the second images for each of `mixed_heads`, and the weights of the
            own and of the second labels, float32 `(chosen,)`.
        """
        assert self.mixing is not None
        suitable = {way: of_rows[rows] for way, of_rows in self.suitable.items()}
        mixture = self.mixing.draw(seeds, suitable, self.settings.image_size)
        partners = mixture.partners[chosen]
        needed, places = np.unique(np.concatenate([chosen, partners]), return_inverse=True)
        first, second = places[: len(chosen)], places[len(chosen) :]
        images, *columns = self.load(rows[needed], seeds[needed])
        pairs = zip(chosen, first, second)
        mixed = np.stack([mixture.blend(place, images[one], images[other]) for place, one, other in pairs])
        targets, own = dict(zip(self.targets, columns)), mixture.own[chosen].astype("float32")
        other = 1 - own if not self.weights else (1 - own) * columns[-1][second]
        others = [targets[name][second] for name in self.mixed_heads]
        return [mixed, *(column[first] for column in columns), *others, own, other]

    def _suitable(self, way: str) -> np.ndarray:
        """Which rows may be mixed in a way: those with a weight and without a label that cannot be, bool `(rows,)`."""
        alone = np.zeros(len(self.table), bool)
        for name, targets in self.targets.items():
            if way not in self.table.heads[name].mixes:
                alone |= self.table.heads[name].labelled(targets)
        for weights in self.weights:
            alone |= weights == 0
        return ~alone

    def tensors(self, rows: tf.Tensor, seeds: tf.Tensor, chosen: tf.Tensor | None = None) -> Any:
        """What :meth:`load` gives, as a batch of a dataset; some of its rows if only they are loaded."""
        import tensorflow as tf

        columns = [*self.targets.values(), *self.weights]
        load: Callable[..., list[np.ndarray]] = self.load
        inputs = [rows, seeds] if chosen is None else [tf.gather(rows, chosen), tf.gather(seeds, chosen)]
        if self.mixing is not None:
            load, inputs = self.load_mixed, [rows, seeds, tf.range(tf.size(rows)) if chosen is None else chosen]
            columns += [self.targets[name] for name in self.mixed_heads] + [np.zeros(0, "float32")] * 2
        elif self.taught is not None:
            columns += self.taught.empty_columns(self.table)
        count = rows.shape[0] if chosen is None else chosen.shape[0]
        kinds = [tf.uint8, *(tf.as_dtype(column.dtype) for column in columns)]
        images, *cells = tf.numpy_function(self.errors.keep(load), inputs, kinds, stateful=False)
        images.set_shape((count, *self.settings.image_size, self.settings.channels))
        for tensor, column in zip(cells, columns):
            tensor.set_shape((count, *column.shape[1:]))
        if not self.settings.labels:
            return images
        targets: dict[str, Any] = dict(zip(self.targets, cells))
        weights, rest = cells[len(self.targets) :][: len(self.weights)], cells[len(self.targets) + len(self.weights) :]
        if self.taught is not None:
            targets = with_taught(targets, self.taught.join(rest))
        if self.mixing is not None:
            *others, own, other = rest
            targets = with_partners(targets, Partners(dict(zip(self.mixed_heads, others)), own, other))
        return (images, targets, *weights)

    def shard_tensors(self, rows: tf.Tensor, seeds: tf.Tensor) -> Any:
        """The part of a batch that is loaded here, with the weights that it has in the whole."""
        import tensorflow as tf

        shard = self.settings.shard or BatchShard(1)
        chosen, factors = shard.rows(tf.shape(rows)[0])
        images, targets, weights = self.tensors(rows, seeds, chosen)
        return images, targets, weights * factors
