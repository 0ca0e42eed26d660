"""Images that are decoded once and kept, in memory or in a folder, for all epochs and all processes."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images.cache_stores import HEADER, Folder, Image, Key, Memory
from mtlzoo.images.decoding import decode_with_size
from mtlzoo.images.loading import fit_image
from mtlzoo.images.source import ImageSource, content_digest
from mtlzoo.images.warping import Region

SAMPLE = 32


class Rows(Protocol):
    """What a table tells of its images."""

    def paths(self) -> list[str]:
        """Where each row's image lies."""

    def regions(self) -> list[Region | None] | None:
        """The part of each image that is shown; `None` for the whole."""


class ImageCache:
    """Decoded images. What is augmented is kept as it comes out of :func:`decode_image`, at the scale that the model's
    input size asks for; what is not, at that size.

    An image is known by the content of its file, by that size, and by OpenCV's version. Each process reads and hashes a
    file once, and again when its size or one of its times has changed, so that a changed file is decoded again; only one
    that changes while the process runs, within the same tick of the file system's clock and to the same size, is missed.

    In a folder each image is a file of uint8 that is mapped into memory, so that processes share what they read. Files
    are written beside their place and moved there: any number of processes may fill and read one folder at a time. What
    is damaged or cut short is found by its checksum and replaced. The folder may be deleted whenever no process uses it.

    Args:
        place: `"memory"`, or a folder, which is made.
        limit: How many bytes may be kept; images beyond that are decoded each time. By default half of the free memory,
            or what the folder holds and half of what is free on its disk.

    Attributes:
        used: Bytes kept so far; of a folder also those found there, but not those that others have added since.

    Raises:
        ValueError: If the limit is below 0.
        OSError: If there is no such folder and it cannot be made.

    Example:

    ```python
    cache = mtl.data.ImageCache("cache/", limit=20 * 2**30)
    print(cache.describe(train, (224, 224)))
    dataset = mtl.data.image_dataset(train, (224, 224), augment="default", cache=cache)
    ```
    """

    def __init__(self, place: str | Path = "memory", limit: int | None = None):
        if limit is not None and limit < 0:
            raise ValueError(f"Expected a limit of at least 0 bytes, received: {limit!r}.")
        self.place = place if place == "memory" else Path(place)
        self._store = Memory() if place == "memory" else Folder(Path(place))
        self.used = self._store.used_bytes()
        self.limit = self.used + self._store.free_bytes() // 2 if limit is None else int(limit)
        self._lock = threading.Lock()

    def decode(self, source: str | Path | bytes, at_least: tuple[int, int] | None = None) -> Image:
        """`decode_image`, from what is kept where possible.

        Args:
            source: Path of the file, or the content of a file.
            at_least: (height, width) in pixels that both sides keep, see :func:`decode_image`.

        Returns:
            uint8 RGB image of shape (height, width, 3), which is not to be written to, and the (height, width) of the
            whole image.

        Raises:
            ImageError: The image cannot be read; such a one is not kept.
        """
        return self._get(source, "whole" if at_least is None else _words(at_least), "", decode_with_size, at_least)

    def fit(
        self,
        source: str | Path | bytes,
        image_size: tuple[int, int],
        resize: str = "stretch",
        region: Region | None = None,
    ) -> Image:
        """`fit_image`, from what is kept where possible; see `decode`."""
        part = "" if region is None else f"-{'_'.join(map(repr, map(float, region)))}"
        return self._get(source, f"{_words(image_size)}-{resize}", part, fit_image, image_size, resize, region)

    def _get(
        self, source: str | Path | bytes, asked: str, part: str, make: Callable[..., Image], *arguments: Any
    ) -> Image:
        path = None if isinstance(source, bytes) else os.fspath(source)
        try:
            data, digest = self._content(source)
            kept = self._store.get((digest, asked, part))
            if kept is not None:
                return kept
            if data is None and path is not None:
                data, digest = ImageSource(path).read_with_digest()  # it may have changed since its digest was taken
            image = make(data, *arguments)
        except ImageError as error:
            raise ImageError(error.reason, path) from None
        self._keep((digest, asked, part), image)
        return image

    def estimate(self, table: Rows, image_size: tuple[int, int], augmented: bool = True) -> int:
        """How many bytes all images of a table take, judged by a few of them.

        Args:
            table: The rows.
            image_size: (height, width) of the model's input.
            augmented: Whether they are augmented; what is not takes the bytes of the model's input.

        Returns:
            Bytes.
        """
        paths, regions = table.paths(), table.regions()
        if not augmented:
            different = set(paths if regions is None else zip(paths, regions))
            return len(different) * (3 * image_size[0] * image_size[1] + HEADER.size)
        paths = list(dict.fromkeys(paths))
        at_least, sizes = image_size if regions is None else None, []
        for place in np.linspace(0, len(paths) - 1, min(SAMPLE, len(paths))).astype(int):
            try:
                sizes.append(decode_with_size(paths[place], at_least)[0].nbytes + HEADER.size)
            except ImageError:
                continue  # It is reported when the table is read.
        return int(np.mean(sizes) * len(paths)) if sizes else 0

    def describe(self, table: Rows, image_size: tuple[int, int], augmented: bool = True) -> str:
        """A line that says how much the images of a table would take and how much there may be."""
        needed = self.estimate(table, image_size, augmented)
        rest = "" if needed <= self.limit else "; images beyond the limit are decoded in every epoch"
        where = "memory" if self.place == "memory" else self.place
        return f"Decoded images kept in {where}: about {_size(needed)}, limit {_size(self.limit)}{rest}."

    @staticmethod
    def _content(source: str | Path | bytes) -> tuple[bytes | None, bytes]:
        """The content, if it is at hand or had to be read for its digest; and its digest."""
        if isinstance(source, bytes):
            return source, content_digest(source)
        opened = ImageSource(source)
        known = opened.known()
        return opened.read_with_digest() if known is None else (None, known.digest)

    def _keep(self, key: Key, image: Image) -> None:
        size = image[0].nbytes + HEADER.size
        with self._lock:
            if self.used + size > self.limit:
                return
            self.used += size
        try:
            self._store.put(key, image)
        except OSError as error:
            self.limit = 0  # One warning, not one for every image.
            warnings.warn(
                f"{self.place}: cannot keep decoded images ({error.strerror or error}); the others are decoded each time.",
                RuntimeWarning,
                stacklevel=2,
            )


def image_cache(identifier: str | Path | ImageCache | None) -> ImageCache | None:
    """Resolves a cache: `None`, `"memory"`, a folder, or an `ImageCache`."""
    return identifier if identifier is None or isinstance(identifier, ImageCache) else ImageCache(identifier)


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"
