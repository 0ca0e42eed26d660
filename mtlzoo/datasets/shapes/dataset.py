"""Batches of scenes that are drawn as they are needed, without a disk."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.data.batches import reshuffled_each_epoch, with_cardinality
from mtlzoo.datasets.shapes.drawing import CANVAS, Scene, check_scene, draw_numbered_scene
from mtlzoo.datasets.shapes.reader import cells_frame, object_cells, shape_cells, shape_heads
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system.cores import available_cores

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["shapes_dataset"]


def shapes_dataset(
    batch_size: int = 32,
    steps: int = 100,
    seed: int = 0,
    objects: int = 1,
    image_size: tuple[int, int] = (CANVAS, CANVAS),
    *,
    heads: Mapping[str, Head] | None = None,
    fresh: bool = True,
    occlusion: float = 0.25,
) -> tf.data.Dataset:
    """Scenes as :func:`draw_scene` makes them, ready for `mtl.fit` and `fit`, as many as one likes.

    They are drawn in all cores while the model trains. A scene depends on the seed, the epoch (each pass over the dataset
    is one) and its place in it alone, not on the size of a batch or the number of cores.

    Args:
        batch_size: scenes a batch, at least 1; all batches are full.
        steps: batches an epoch, at least 1.
        seed: a number from 0.
        objects: the largest number of targets in a scene, 1 to 5; each number up to it is equally frequent.
        image_size: height and width in pixels, each at least 32.
        heads: the heads that read the labels, by the name of their column: `shape`, `box` and `object` with one target in
            each scene, `objects` with several, all as :func:`read_shapes` has them. By default the heads that it gives.
        fresh: whether each epoch has new scenes; to validate on, `False` gives the same ones in each. Those are none of the
            fresh ones, nor of :func:`make_shapes`, whatever the seeds.
        occlusion: the probability of a circle or a line to lie over the targets; 0 for the book's scenes.

    Returns:
        A dataset that knows its length, of pairs: uint8 images `(batch, height, width, 3)`, and a dictionary of targets as
        the heads' losses take them. For the default heads these are `shape`, float32 `(batch,)`, 0 for a triangle and 1 for
        a rectangle, and `box`, float32 `(batch, 4)`: x_min, y_min, x_max, y_max, 0 to 1 from edge to edge.

    Raises:
        ValueError: if an argument is out of its range, or a head has a name that is no column.

    Example:

    ```python
    train, valid = shapes_dataset(steps=300), shapes_dataset(steps=10, fresh=False)
    images, labels = next(iter(valid))  # or mtl.fit(model, train, valid)
    ```
    """
    import tensorflow as tf

    if batch_size < 1 or steps < 1 or seed < 0:
        raise ValueError(
            "Expected `batch_size` and `steps` to be at least 1 and `seed` at least 0, received: "
            f"batch_size={batch_size}, steps={steps}, seed={seed}"
        )
    check_scene(objects, image_size, occlusion)
    heads = shape_heads(several=objects > 1) if heads is None else dict(heads)
    stream = "fresh" if fresh else "fixed"
    epochs = itertools.count()

    def number_batches() -> tuple[np.ndarray, np.ndarray]:
        return np.full(steps, next(epochs) if fresh else 0), np.arange(steps) * batch_size

    def draw(epoch: int, start: int, number: int = batch_size) -> list[np.ndarray]:
        indices = range(start, start + number)
        scenes = [draw_numbered_scene(stream, seed, epoch, index, objects, image_size, occlusion) for index in indices]
        return [np.stack([scene.image for scene in scenes]), *_targets(scenes, heads, objects > 1)]

    kinds = [(array.dtype, array.shape[1:]) for array in draw(0, 0, 1)]

    def draw_tensors(epoch: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        images, *targets = tf.numpy_function(draw, [epoch, start], [dtype for dtype, _ in kinds], stateful=False)
        for tensor, (_, shape) in zip([images, *targets], kinds):
            tensor.set_shape((batch_size, *shape))
        return images, dict(zip(heads, targets))

    dataset = reshuffled_each_epoch(number_batches, columns=2)
    dataset = dataset.map(draw_tensors, num_parallel_calls=available_cores(), deterministic=True)
    return with_cardinality(dataset, steps)


def _targets(scenes: list[Scene], heads: Mapping[str, Head], several: bool) -> list[np.ndarray]:
    """The scenes' labels, encoded by each head and mapped to input space."""
    cells = [
        object_cells(scene.classes, scene.boxes.tolist())
        if several
        else shape_cells(scene.classes[0], scene.boxes[0].tolist())
        for scene in scenes
    ]
    frame = cells_frame(cells)
    unknown = [name for name in heads if name not in frame]
    if unknown:
        raise ValueError(f"Expected heads called {', '.join(frame)}, received: {unknown[0]!r}")
    sizes = [scene.image.shape[:2] for scene in scenes]
    geometry = ImageGeometry.whole(sizes, sizes[0])
    return [head.to_input_space(head.encode(frame[name]), geometry) for name, head in heads.items()]
