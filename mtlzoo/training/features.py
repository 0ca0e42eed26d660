"""The features that a frozen backbone computes from a table's images once, to be used in every epoch."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo.backbones import Backbone
from mtlzoo.data import LabelTable
from mtlzoo.data.batches import rows_in_batches, with_cardinality
from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
from mtlzoo.data.row_values import epoch_rows, place_labels, row_weights
from mtlzoo.data.taught import TaughtRows
from mtlzoo.errors import StateError
from mtlzoo.files import FolderKind, writing
from mtlzoo.heads.taught import Taught, with_taught
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.keras_compat import flatten_layers
from mtlzoo.models.seeds import seeds
from mtlzoo.system.progress import Progress
from mtlzoo.training.checksums import features_digest
from mtlzoo.training.feature_files import DIGESTS, FEATURES, FILES, is_whole, seal

if TYPE_CHECKING:
    import tensorflow as tf

PIXELS_AT_A_TIME = 32 * 224 * 224  # that the frozen network takes in; a usual batch
ENTRY = FolderKind("cached features", FEATURES, (), (*FILES, DIGESTS))


@dataclass(frozen=True)
class Features:
    """The features of a table.

    Attributes:
        values: float32 `(views, rows, ...)`.
        placements: The geometry of each row's image, for each view.
    """

    values: np.ndarray
    placements: list[ImageGeometry]


def is_fixed(trunk: keras.Model) -> bool:
    """Whether a trunk gives the same features for an image in every epoch: nothing in it is trained or random."""
    if trunk.trainable_variables or any(size is None for size in trunk.output.shape[1:]):
        return False
    for layer in trunk.layers:
        parts = flatten_layers(layer, include_self=True)
        if any(part.activity_regularizer is not None for part in parts):
            return False  # its penalty would be missing from the loss
        if seeds(layer) and not isinstance(layer, Backbone):  # which draws nothing while it is frozen
            return False
    return len(trunk.layers) > 1


def count_bytes(trunk: keras.Model, rows: int) -> int:
    """How many bytes the features of so many images take."""
    return 4 * rows * math.prod(trunk.output.shape[1:])


def get_features(
    trunk: keras.Model,
    table: LabelTable,
    settings: PipelineSettings,
    views: int,
    folder: str | os.PathLike[str] | None,
    show: str,
) -> Features:
    """Compute the features of a table, or find them in a folder.

    Args:
        trunk: From images to features, see :func:`is_fixed`.
        table: The rows.
        settings: How the rows become batches.
        views: How many augmented views of each image are computed; each is that of another epoch.
        folder: Where features are kept; `None` for memory.
        show: What is computed, as progress calls it, such as "Features"; empty to show none.
    """
    settings = replace(settings, first_epoch=0, shard=None, sampling=None, taught=None)  # all rows and views are there
    shape = (views, len(table), *trunk.output.shape[1:])
    if folder is None:
        values = np.empty(shape, "float32")
        return Features(values, _compute(trunk, table, settings, values, show))
    entry = Path(folder) / features_digest(trunk, table, settings, views)
    if not is_whole(entry, shape):
        with writing(entry, kind=ENTRY, overwrite=True) as temporary:
            temporary.mkdir()
            values = np.lib.format.open_memmap(temporary / FEATURES, "w+", "float32", shape)
            placements = _compute(trunk, table, settings, values, show)
            values.flush()
            np.save(temporary / "matrices.npy", [geometry.matrices for geometry in placements])
            np.save(temporary / "sizes.npy", placements[0].sizes)
            seal(temporary)
        if not is_whole(entry, shape):
            raise StateError(f"{entry}: the features that were just written are not what is read; is the disk damaged?")
    matrices, sizes = np.load(entry / "matrices.npy"), np.load(entry / "sizes.npy")
    placements = [ImageGeometry(view, sizes, settings.image_size) for view in matrices]
    return Features(np.load(entry / FEATURES, mmap_mode="r"), placements)


def feature_dataset(table: LabelTable, features: Features, settings: PipelineSettings) -> tf.data.Dataset:
    """What :func:`mtlzoo.data.image_dataset` gives with these settings, with features in place of images.

    Args:
        table: The rows.
        features: Those of its images.
        settings: How the rows become batches.

    Raises:
        TableError: If a label or a weight cannot be read.
    """
    import tensorflow as tf

    rows_total, views, epochs = len(table), len(features.values), itertools.count(settings.first_epoch)
    sampling = settings.sampling_weights(table)
    # All views one after the other: a row of a view is then one number.
    values = features.values.reshape(views * rows_total, *features.values.shape[2:])
    columns = {
        name: np.concatenate([place_labels(table, name, targets, geometry) for geometry in features.placements])
        for name, targets in table.labels().items()
    }
    taught = None if settings.taught is None else _taught(table, features, settings.taught)
    with tf.device("CPU:0"):
        labels = {name: tf.constant(column) for name, column in columns.items()}
        if settings.sample_weight is not None:
            weights = tf.constant(np.tile(row_weights(table, settings.sample_weight), views))

    def draw_epoch() -> list[np.ndarray]:
        epoch = next(epochs)
        order, _ = epoch_rows(rows_total, settings.shuffle, settings.seed, epoch, sampling)
        return [order + epoch % views * rows_total]

    def gather(rows: tf.Tensor) -> tuple[Any, ...]:
        # Not by TensorFlow, which would have to hold in memory what may be a file.
        found = tf.numpy_function(lambda places: values[places], [rows], tf.float32, stateful=False)
        found.set_shape((rows.shape[0], *values.shape[1:]))
        targets = {name: tf.gather(column, rows) for name, column in labels.items()}
        if taught is not None:
            targets = with_taught(targets, taught(rows))
        return (found, targets) if settings.sample_weight is None else (found, targets, tf.gather(weights, rows))

    batch_size = settings.batch_size
    dataset = rows_in_batches(draw_epoch, rows_total, batch_size, train=settings.shuffle)
    dataset = dataset.map(gather, num_parallel_calls=2, deterministic=True)
    return with_cardinality(dataset, -(-rows_total // batch_size), ahead=4)


def _taught(table: LabelTable, features: Features, taught: TaughtRows) -> Callable[[tf.Tensor], Taught]:
    """What gives a teacher's labels of some rows, counted over all views, as a batch of a dataset."""
    import tensorflow as tf

    matrices = np.stack([geometry.matrices for geometry in features.placements])
    first, kinds = features.placements[0], taught.empty_columns(table)

    def columns(places: np.ndarray) -> list[np.ndarray]:
        views, rows = np.divmod(places, len(table))
        return taught.columns(table, rows, ImageGeometry(matrices[views, rows], first.sizes[rows], first.image_size))

    def look_up(places: tf.Tensor) -> Taught:
        found = tf.numpy_function(columns, [places], [tf.as_dtype(kind.dtype) for kind in kinds], stateful=False)
        for tensor, kind in zip(found, kinds):
            tensor.set_shape((places.shape[0], *kind.shape[1:]))
        return taught.join(found)

    return look_up


def _compute(
    trunk: keras.Model, table: LabelTable, settings: PipelineSettings, values: np.ndarray, show: str
) -> list[ImageGeometry]:
    """Fill in the features, view by view, and return the geometry of each view."""
    import tensorflow as tf

    spec = tf.TensorSpec((None, *trunk.input.shape[1:]), "uint8")
    compute = tf.function(lambda images: trunk(images, training=False)).get_concrete_function(spec)
    geometry = ImageGeometry.empty(len(table), settings.image_size)
    height, width = settings.image_size
    # Small images in small batches would leave cores waiting. The order is that of the rows, whatever the batches.
    batch_size = max(settings.batch_size, PIXELS_AT_A_TIME // (height * width))
    settings = replace(settings, sample_weight=None, batch_size=batch_size, labels=False)
    dataset = build_pipeline(table, settings, geometry)
    progress, placements, total = Progress(), [], len(values) * len(table)
    for view, into in enumerate(values):
        order, _ = epoch_rows(len(table), settings.shuffle, settings.seed, view)
        done = 0
        for images in dataset:  # each pass is the next epoch
            into[order[done : done + len(images)]] = compute(images)
            done += len(images)
            if show:
                seen = view * len(table) + done
                progress.show(f"{show} of {seen} of {total} images", seen, total)
        placements.append(ImageGeometry(geometry.matrices.copy(), geometry.sizes.copy(), geometry.image_size))
    return placements
