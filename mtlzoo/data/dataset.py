"""From a table to batches of images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from mtlzoo.data.mixing import Mixing
from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
from mtlzoo.data.sharding import BatchShard
from mtlzoo.data.table import LabelTable
from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.caching import ImageCache
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system.deprecation import renamed_arguments

if TYPE_CHECKING:
    import tensorflow as tf


class PipelineOptions(TypedDict, total=False):
    """Further arguments of :func:`image_dataset`.

    Attributes:
        labels: Whether labels come with the images; they do by default.
        drop_remainder: Whether to leave out a last batch that is not full; it is kept by default.
        channels: 3 for RGB, the default, or 1 for gray.
        geometry: Filled in with where each row's pixels come from, as the rows are loaded.
        workers: How many batches are loaded at a time; by default one for each core that the process may use. The batches
            are the same.
        shard: The part of each batch to load, where several devices train together; it comes with weights.
        first_epoch: The number of the first pass, to go on where an earlier training broke off; 0 by default.
        mix: `"mixup"`, `"cutmix"`, `"both"` or a :class:`mtlzoo.data.Mixing`: images of a batch are mixed, and their labels
            with them, for a `MultiTaskModel`; `None` by default.
        sampling: Which rows a shuffled epoch draws more often, of as many as there are: `"repeat_factor"` or `"balanced"`,
            see :func:`mtlzoo.data.sampling.sampling_weights`. By default each row is drawn once.
    """

    labels: bool
    drop_remainder: bool
    channels: int
    geometry: ImageGeometry | None
    workers: int | None
    shard: BatchShard | None
    first_epoch: int
    mix: str | Mixing | None
    sampling: str | None


@renamed_arguments(share="shard", placement="geometry")
def image_dataset(
    table: LabelTable,
    image_size: tuple[int, int] = (224, 224),
    batch_size: int = 32,
    *,
    augment: str | Augmentation | None = None,
    shuffle: bool = False,
    seed: int = 0,
    resize: str = "stretch",
    sample_weight: str | None = None,
    cache: str | Path | ImageCache | None = None,
    **options: Unpack[PipelineOptions],
) -> tf.data.Dataset:
    """Batches of images and their labels, ready for `fit`, `evaluate` and `predict`.

    The order and the augmentations depend on the seed and the epoch alone (each pass over the dataset is an epoch), not
    on TensorFlow's own seed or on how many cores there are; each epoch has new ones. Memory holds a few batches, whatever
    the number of images.

    Args:
        table: The rows.
        image_size: Height and width of the images, in pixels.
        batch_size: Rows a batch; the last one may be smaller.
        augment: `None`, `"default"` (flip, rotation, zoom, brightness), another name or an `Augmentation`.
        shuffle: Whether each epoch has a new order of all rows.
        seed: What order and augmentation are drawn from, at least 0.
        resize: `"stretch"` to the size as most recipes do, `"crop"` the middle, or `"pad"`.
        sample_weight: A column of the table with the weight of each row, numbers of at least 0. They come with the labels.
        cache: Where decoded images are kept from epoch to epoch, before augmentation: `"memory"`, a folder, which other
            processes may use too, or an :class:`ImageCache`; `None` to decode them each time. The batches are the same.
        **options: What is seldom needed, see :class:`PipelineOptions`: `labels=False` for images alone, `channels=1` for
            gray images, `drop_remainder=True` to leave out a last batch that is not full, `workers`, `geometry`, `shard`,
            `first_epoch`, `mix` to mix images and labels, `sampling="repeat_factor"` to draw rows with rare labels more
            often.

    Returns:
        A dataset of uint8 images `(batch, height, width, channels)`, 0 to 255; with labels, of pairs with a dictionary of
        targets by head; with sample weights, of triples with float32 `(batch,)`. Points are moved with the pixels, and
        where an image is mirrored left and right change places.

    Raises:
        ValueError: If there is not at least one worker.
        TypeError: If there is no such option.
        TableError: If a label or a weight cannot be read; while iterating, if an image cannot be read or a label lies
            outside of its image; it names the row. Where TensorFlow reports the error, as from a dataset that was made of
            this one by `map`, :func:`mtlzoo.system.pipeline_errors.plain_errors` raises it.

    Example:

    ```python
    dataset = mtl.data.image_dataset(train, (224, 224), augment="default", shuffle=True, seed=0)
    model.fit(dataset, epochs=3)
    ```
    """
    for name in options.keys() - PipelineOptions.__annotations__.keys():
        raise TypeError(f"image_dataset() got an unexpected keyword argument {name!r}")
    given: dict[str, Any] = dict(options)
    geometry = given.pop("geometry", None)
    settings = PipelineSettings(
        (image_size[0], image_size[1]),
        batch_size,
        augment=augment,
        shuffle=shuffle,
        seed=seed,
        resize=resize,
        sample_weight=sample_weight,
        cache=cache,
        **given,
    )
    return build_pipeline(table, settings, geometry)
