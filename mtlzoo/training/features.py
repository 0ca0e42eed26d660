"""Cached features: what a frozen backbone makes of a table's images, computed once and used in every epoch."""

from __future__ import annotations

import itertools
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo.backbones import Backbone
from mtlzoo.data import Table, image_dataset
from mtlzoo.data.batches import rows_in_batches, with_cardinality
from mtlzoo.data.dataset import epoch_rows, place_labels, row_weights
from mtlzoo.errors import StateError
from mtlzoo.files import FolderKind, writing
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.keras_compat import flatten_layers
from mtlzoo.models.seeds import seeds
from mtlzoo.system.memory import free_memory
from mtlzoo.system.progress import Progress
from mtlzoo.training.checksums import features_digest
from mtlzoo.training.feature_files import DIGESTS, FEATURES, FILES, is_whole, seal

if TYPE_CHECKING:
    import tensorflow as tf

PIXELS_AT_A_TIME = 32 * 224 * 224  # of what the frozen network looks at; a usual batch
ENTRY = FolderKind("cached features", FEATURES, (), (*FILES, DIGESTS))


@dataclass(frozen=True)
class FeatureCache:
    """How the features of a frozen backbone are kept while a stage trains the heads alone.

    Attributes:
        views: How many augmented views of the training images are drawn; epoch e, counted from 0, sees view e modulo so
            many. With as many views as epochs, training is that without a cache; with fewer it sees less variety. `None`
            caches only where there is no augmentation.
        folder: Where features are kept as files, for further trainings too, and read from there as they are needed. They
            are found by a checksum over the network up to the cut, its weights, the bytes of every image and how they
            are read, so that those of another network or of other images are never used. Each process checks every byte
            of what it finds before it is used; what is damaged or incomplete is computed again in its place.
            `None` keeps them in memory, for one stage.
        limit: How many bytes the features of a stage may take; by default a quarter of the memory, or of the folder's disk,
            that is free. Features that would take more are not cached.

    Raises:
        ValueError: If there is not at least one view, or the limit is negative.

    Example:

    ```python
    stages = [mtl.Stage(20, 1e-3, "heads")]
    mtl.fit(model, train, valid, stages, features=mtl.FeatureCache(views=4, folder="features"))
    ```
    """

    views: int | None = None
    folder: str | os.PathLike | None = None
    limit: int | None = None

    def __post_init__(self):
        if self.views is not None and (not isinstance(self.views, int) or self.views < 1):
            raise ValueError(f"Expected `views` to be a positive whole number or None, received: {self.views!r}.")
        if self.limit is not None and not self.limit >= 0:
            raise ValueError(f"Expected `limit` to be a number of bytes or None, received: {self.limit!r}.")

    def free_bytes(self) -> int:
        """How many bytes features may take."""
        if self.limit is not None:
            return int(self.limit)
        if self.folder is None:
            return free_memory() // 4
        existing = next(path for path in (Path(self.folder).absolute() / "x").parents if path.exists())
        return shutil.disk_usage(existing).free // 4


@dataclass(frozen=True)
class Features:
    """The features of a table.

    Attributes:
        values: float32 `(views, rows, ...)`.
        placements: Where each row's pixels came to lie, in each view.
    """

    values: np.ndarray
    placements: list[ImageGeometry]


def is_fixed(trunk: keras.Model) -> bool:
    """Whether a trunk gives the same features for an image whenever it is asked: nothing in it trains or is drawn."""
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
    trunk: keras.Model, table: Table, reading: Mapping[str, Any], views: int, folder: Path | None, show: bool
) -> Features:
    """Compute the features of a table, or find them in a folder.

    Args:
        trunk: From images to features, see :func:`is_fixed`.
        table: The rows.
        reading: The arguments of :func:`mtlzoo.data.image_dataset` that the table is read with.
        views: How many epochs are looked at.
        folder: Where features are kept; `None` for memory.
        show: Whether to show progress.
    """
    # All views are there, whichever comes first.
    reading = {name: value for name, value in reading.items() if name not in ("first_epoch", "shard")}
    shape = (views, len(table), *trunk.output.shape[1:])
    if folder is None:
        values = np.empty(shape, "float32")
        return Features(values, _compute(trunk, table, reading, values, show))
    entry = Path(folder) / features_digest(trunk, table, reading, views)
    if not is_whole(entry, shape):
        with writing(entry, kind=ENTRY, overwrite=True) as temporary:
            temporary.mkdir()
            values = np.lib.format.open_memmap(temporary / FEATURES, "w+", "float32", shape)
            placements = _compute(trunk, table, reading, values, show)
            values.flush()
            np.save(temporary / "matrices.npy", [geometry.matrices for geometry in placements])
            np.save(temporary / "sizes.npy", placements[0].sizes)
            seal(temporary)
        if not is_whole(entry, shape):
            raise StateError(f"{entry}: the features that were just written are not what is read; is the disk damaged?")
    matrices, sizes = np.load(entry / "matrices.npy"), np.load(entry / "sizes.npy")
    placements = [ImageGeometry(view, sizes, reading["image_size"]) for view in matrices]
    return Features(np.load(entry / FEATURES, mmap_mode="r"), placements)


def feature_dataset(table: Table, features: Features, reading: Mapping[str, Any]) -> tf.data.Dataset:
    """What :func:`mtlzoo.data.image_dataset` gives with these arguments, with features in place of images.

    Raises:
        TableError: If a label or a weight cannot be read.
    """
    import tensorflow as tf

    rows_total, views, epochs = len(table), len(features.values), itertools.count(reading.get("first_epoch", 0))
    # All views one after the other: a row of a view is then one number.
    values = features.values.reshape(views * rows_total, *features.values.shape[2:])
    columns = {
        name: np.concatenate([place_labels(table, name, targets, geometry) for geometry in features.placements])
        for name, targets in table.labels().items()
    }
    with tf.device("CPU:0"):
        labels = {name: tf.constant(column) for name, column in columns.items()}
        if reading.get("sample_weight") is not None:
            weights = tf.constant(np.tile(row_weights(table, reading["sample_weight"]), views))

    def draw_epoch() -> list[np.ndarray]:
        epoch = next(epochs)
        order, _ = epoch_rows(rows_total, reading.get("shuffle", False), reading.get("seed", 0), epoch)
        return [order + epoch % views * rows_total]

    def gather(rows: tf.Tensor):
        # Not by TensorFlow, which would have to hold in memory what may be a file.
        found = tf.numpy_function(lambda places: values[places], [rows], tf.float32, stateful=False)
        found.set_shape((rows.shape[0], *values.shape[1:]))
        answers = {name: tf.gather(column, rows) for name, column in labels.items()}
        return (found, answers) if reading.get("sample_weight") is None else (found, answers, tf.gather(weights, rows))

    batch_size = reading["batch_size"]
    dataset = rows_in_batches(draw_epoch, rows_total, batch_size, train=reading.get("shuffle", False))
    dataset = dataset.map(gather, num_parallel_calls=2, deterministic=True)
    return with_cardinality(dataset, -(-rows_total // batch_size), ahead=4)


def _compute(
    trunk: keras.Model, table: Table, reading: Mapping[str, Any], values: np.ndarray, show: bool
) -> list[ImageGeometry]:
    """Fill in the features, view by view, and return where the pixels came to lie."""
    import tensorflow as tf

    spec = tf.TensorSpec((None, *trunk.input.shape[1:]), "uint8")
    look = tf.function(lambda images: trunk(images, training=False)).get_concrete_function(spec)
    geometry = ImageGeometry.empty(len(table), reading["image_size"])
    height, width = reading["image_size"]
    # Small images in small batches would leave cores waiting. The order is that of the rows, whatever the batches.
    batch_size = max(reading["batch_size"], PIXELS_AT_A_TIME // (height * width))
    reading = {**reading, "sample_weight": None, "batch_size": batch_size}
    dataset = image_dataset(table, **reading, labels=False, geometry=geometry)
    progress, placements, total = Progress(), [], len(values) * len(table)
    for view, into in enumerate(values):
        order, _ = epoch_rows(len(table), reading.get("shuffle", False), reading.get("seed", 0), view)
        done = 0
        for images in dataset:  # each pass is the next epoch
            into[order[done : done + len(images)]] = look(images)
            done += len(images)
            if show:
                seen = view * len(table) + done
                progress.show(f"Features of {seen} of {total} images", last=seen == total)
        placements.append(ImageGeometry(geometry.matrices.copy(), geometry.sizes.copy(), geometry.image_size))
    return placements
