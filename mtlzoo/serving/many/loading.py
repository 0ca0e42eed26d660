"""Batches of images, decoded side by side and a few ahead of the network; those that cannot be read are told apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import ImageLoader
from mtlzoo.serving.many.inputs import Row
from mtlzoo.system.cores import available_cores


class Loaded(NamedTuple):
    """A batch.

    Attributes:
        rows: The images that could be read.
        images: uint8 `(rows, height, width, channels)`.
        geometry: Where their pixels come from.
        unreadable: The others, and why.
    """

    rows: list[Row]
    images: np.ndarray
    geometry: ImageGeometry
    unreadable: list[tuple[Row, str]]


def load_ahead(rows: Iterable[Row], loader: ImageLoader, batch_size: int, pool: ThreadPoolExecutor) -> Iterator[Loaded]:
    """The batches of some rows; which rows are in one depends on their places alone.

    Args:
        rows: The rows.
        loader: What loads them.
        batch_size: Rows a batch.
        pool: What runs the loading; as many batches as there are cores, and one, are loaded ahead.
    """
    left, waiting = iter(rows), deque[Future[Loaded]]()
    try:
        while True:
            while len(waiting) <= available_cores() and (batch := list(islice(left, batch_size))):
                waiting.append(pool.submit(load, batch, loader))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def load(batch: list[Row], loader: ImageLoader) -> Loaded:
    """Load a batch, each image by itself."""
    images = np.empty((len(batch), *loader.image_size, loader.channels), np.uint8)
    geometry = ImageGeometry.empty(len(batch), loader.image_size)
    readable, unreadable = [], []
    for place, row in enumerate(batch):
        try:
            loaded, where = loader.load_batch([row.path], regions=[row.region])
        except ImageError as error:
            unreadable.append((row, error.reason))
            continue
        images[place], geometry.matrices[place], geometry.sizes[place] = loaded[0], where.matrices[0], where.sizes[0]
        readable.append(place)
    if unreadable:
        images, geometry = images[readable], geometry.take(np.asarray(readable, "int64"))
    return Loaded([batch[place] for place in readable], images, geometry, unreadable)
