"""From image files to the arrays that a network takes: decode, warp, adjust colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

import cv2
import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images import augmentation as augmentations
from mtlzoo.images import warping
from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.decoding import decode_with_size
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.warping import Region

if TYPE_CHECKING:
    from mtlzoo.images.caching import ImageCache

# Batches are loaded side by side by the callers of `load_batch`, which keeps every core busy. Threads of OpenCV's own on
# top would only compete with them, and one image is too small to gain from them. The setting is one for the whole
# process, and must not change while images are being loaded: hence here, once.
cv2.setNumThreads(1)


def load_image(
    source: str | Path | bytes,
    image_size: tuple[int, int],
    augmentation: str | Augmentation | None = None,
    resize: str = "stretch",
    rng: np.random.Generator | None = None,
    channels: int = 3,
) -> np.ndarray:
    """Loads one image at the model's size.

    Args:
        source: Path of the file, or the content of a file.
        image_size: (height, width) in pixels.
        augmentation: `None`, the name of a preset ("default", "light"), or an `Augmentation`.
        resize: "stretch", "crop" (the middle, at its own aspect ratio) or "pad" (black bars).
        rng: Where the augmentation's random numbers come from; by default fresh ones.
        channels: 3 for RGB, 1 for gray.

    Returns:
        uint8 image of shape (height, width, channels), 0 to 255.

    Raises:
        ImageError: The image cannot be read; the message names the path.
        ValueError: The augmentation or `resize` is unknown, or there are no such channels.

    Example:

    ```python
    import cv2
    import mtlzoo as mtl
    import numpy as np

    content = cv2.imencode(".jpg", np.full((300, 400, 3), 200, np.uint8))[1].tobytes()
    image = mtl.data.load_image(content, (224, 224), augmentation="default", rng=np.random.default_rng(0))
    assert image.shape == (224, 224, 3)
    ```
    """
    loader = ImageLoader(image_size, augmentations.augmentation(augmentation), resize, channels)
    image = loader.load(source, rng).image
    return image if channels == 3 else _gray(image)


class LoadOptions(TypedDict, total=False):
    """Further arguments of :func:`load_batch`.

    Attributes:
        regions: The part of each image that is shown; by default the whole of all.
        channels: 3 for RGB, 1 for gray (the luma of ITU-R BT.601, as OpenCV and Pillow have it).
        cache: Where images are kept, as they are before augmentation.
    """

    regions: Sequence[Region | None] | None
    channels: int
    cache: ImageCache | None


def load_batch(
    paths: Sequence[str | Path | bytes],
    image_size: tuple[int, int],
    augmentation: str | Augmentation | None = None,
    resize: str = "stretch",
    seeds: Sequence[int] | np.ndarray | None = None,
    **options: Unpack[LoadOptions],
) -> tuple[np.ndarray, ImageGeometry]:
    """Loads a batch of images, see :meth:`ImageLoader.load_batch`.

    Args:
        paths: One path a row, or the content of a file.
        image_size: (height, width) in pixels.
        augmentation: `None`, the name of a preset, or an `Augmentation`.
        resize: "stretch", "crop" or "pad".
        seeds: One integer of at least 0 a row; needed if there is an augmentation.
        **options: `regions`, `channels` and `cache`, see :class:`LoadOptions`.

    Returns:
        uint8 images of shape (rows, height, width, channels), and where their pixels come from.

    Raises:
        ImageError: An image cannot be read; the message names the path.
        ValueError: The seeds are missing, or there is not one a row.
    """
    chosen, cache = augmentations.augmentation(augmentation), options.get("cache")
    loader = ImageLoader(image_size, chosen, resize, options.get("channels", 3), cache)
    return loader.load_batch(paths, seeds, options.get("regions"))


class Loaded(NamedTuple):
    """An image at the model's size, and where its pixels come from.

    Attributes:
        image: uint8 RGB `(height, width, 3)`.
        matrix: float64 `(2, 3)` for `mtlzoo.images.warping.transform_points`, from pixels of the whole image, as a
            viewer shows it, to pixels of this one.
        size: The (height, width) of the whole image.
    """

    image: np.ndarray
    matrix: np.ndarray
    size: tuple[int, int]


@dataclass(frozen=True)
class ImageLoader:
    """Loads images of files as a model takes them.

    Attributes:
        image_size: (height, width) in pixels.
        augmentation: What may happen to an image; `None` for nothing.
        resize: "stretch", "crop" (the middle, at its own aspect ratio) or "pad" (black bars).
        channels: 3 for RGB, 1 for gray, in batches.
        cache: Where images are kept, as they are before augmentation; `None` to decode them each time.

    Raises:
        ValueError: There are no such channels.
    """

    image_size: tuple[int, int]
    augmentation: Augmentation | None = None
    resize: str = "stretch"
    channels: int = 3
    cache: ImageCache | None = None

    def __post_init__(self) -> None:
        check_channels(self.channels)

    def load(
        self,
        source: str | Path | bytes,
        rng: np.random.Generator | None = None,
        region: Region | None = None,
        out: np.ndarray | None = None,
    ) -> Loaded:
        """Loads one image, in color.

        Args:
            source: Path of the file, or the content of a file.
            rng: Where the augmentation's random numbers come from; by default fresh ones.
            region: The part of the image that is shown, (x_min, y_min, x_max, y_max) in pixels; by default the whole.
            out: Contiguous uint8 array of shape (height, width, 3) to write the image to; by default a new one.

        Returns:
            The image, which is not to be written to if it is neither `out` nor augmented, with its matrix and size.

        Raises:
            ImageError: The image cannot be read; the message names the path.
        """
        if self.augmentation is None:
            if self.cache is None:
                image, size = fit_image(source, self.image_size, self.resize, region, out)
            else:
                image, size = self.cache.fit(source, self.image_size, self.resize, region)
                if out is not None:
                    np.copyto(out, image)
                    image = out
            return Loaded(image, warping.resize_matrix(size, self.image_size, self.resize, region), size)
        decode = decode_with_size if self.cache is None else self.cache.decode
        image, size = decode(source, _at_least(self.image_size, region))
        drawn = self.augmentation.draw(np.random.default_rng() if rng is None else rng)
        matrix = drawn.matrix(size, self.image_size, self.resize, region)
        # Bars are black whatever the fill, so that training and validation look alike.
        fill = "constant" if self.resize == "pad" else self.augmentation.fill
        image = drawn.apply(image, _from_reduced(matrix, image, size), self.image_size, fill, out)
        return Loaded(image, matrix, size)

    def load_batch(
        self,
        sources: Sequence[str | Path | bytes],
        seeds: Sequence[int] | np.ndarray | None = None,
        regions: Sequence[Region | None] | None = None,
    ) -> tuple[np.ndarray, ImageGeometry]:
        """Loads a batch of images.

        Each image depends on its own seed alone: the same image comes out whichever worker loads it, in whatever batch.

        Args:
            sources: One path a row, or the content of a file.
            seeds: One integer of at least 0 a row; needed if there is an augmentation.
            regions: The part of each image that is shown; by default the whole of all.

        Returns:
            uint8 images of shape (rows, height, width, channels), and where their pixels come from.

        Raises:
            ImageError: An image cannot be read; the message names the path.
            ValueError: The seeds are missing, or there is not one a row.
        """
        if self.augmentation is not None and (seeds is None or len(seeds) != len(sources)):
            received = "none" if seeds is None else len(seeds)
            raise ValueError(f"Expected one seed for each of the {len(sources)} rows, received: {received}.")
        images = np.empty((len(sources), *self.image_size, self.channels), np.uint8)
        geometry = ImageGeometry.empty(len(sources), self.image_size)
        for row, source in enumerate(sources):
            drawn = None if self.augmentation is None or seeds is None else int(seeds[row])
            rng = None if drawn is None else np.random.Generator(np.random.Philox(drawn))
            region = None if regions is None else regions[row]
            loaded = self.load(source, rng, region, images[row] if self.channels == 3 else None)
            if self.channels == 1:
                images[row] = _gray(loaded.image)
            geometry.matrices[row], geometry.sizes[row] = loaded.matrix, loaded.size
        return images, geometry


def fit_image(
    source: str | Path | bytes,
    image_size: tuple[int, int],
    resize: str = "stretch",
    region: Region | None = None,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[int, int]]:
    """Loads one image at the model's input size, without augmentation, with the (height, width) of the whole image."""
    image, size = decode_with_size(source, _at_least(image_size, region))
    matrix = warping.resize_matrix(size, image_size, resize, region)
    fill = "constant" if resize == "pad" else "nearest"
    return warping.warp(image, _from_reduced(matrix, image, size), image_size, fill, out), size


def _at_least(image_size: tuple[int, int], region: Region | None) -> tuple[int, int] | None:
    """A region may be a small part of the image, so that there is nothing to spare in decoding."""
    return image_size if region is None else None


def _from_reduced(matrix: np.ndarray, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The matrix for an image that may have come reduced from its whole size."""
    return matrix if image.shape[:2] == size else matrix @ warping.scale_matrix(image.shape[:2], size)


def check_channels(channels: int) -> None:
    """Refuse a number of channels that no image file has.

    Raises:
        ValueError: It is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise ValueError(f"Expected 3 channels (RGB) or 1 (gray), received: {channels!r}.")


def _gray(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


__all__ = ["ImageError", "ImageLoader", "check_channels", "load_batch", "load_image"]
