"""From image files to the arrays that a network takes: decode, warp, adjust colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mtlzoo.errors import ImageError
from mtlzoo.images import augmentation as augmentations
from mtlzoo.images.augmentation import Augmentation, Region
from mtlzoo.images.decoding import decode_with_size
from mtlzoo.images.geometry import ImageGeometry

if TYPE_CHECKING:
    from mtlzoo.images.caching import ImageCache

# Batches are loaded side by side by whoever calls `load_batch`, which keeps every core busy. Threads of OpenCV's own on
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
    """Loads one image at the network's size.

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
    check_channels(channels)
    image = load_with_matrix(source, image_size, augmentation, resize, rng)[0]
    return image if channels == 3 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


def load_with_matrix(
    source: str | Path | bytes,
    image_size: tuple[int, int],
    augmentation: str | Augmentation | None = None,
    resize: str = "stretch",
    rng: np.random.Generator | None = None,
    out: np.ndarray | None = None,
    region: Region | None = None,
    cache: ImageCache | None = None,
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """`load_image`, and where its pixels come from.

    Args:
        source: As in `load_image`, like the other arguments.
        image_size: (height, width) in pixels.
        augmentation: What may happen to the image.
        resize: How the image is resized.
        rng: Where the random numbers come from.
        out: Contiguous uint8 array of shape (height, width, 3) to write the image to; by default a new one.
        region: The part of the image that is seen, (x_min, y_min, x_max, y_max) in pixels; by default the whole.
        cache: Where images are kept, as they are before augmentation.

    Returns:
        The uint8 image of shape (height, width, 3), not to be written to if it is neither `out` nor augmented; the float64
        matrix of shape (2, 3) for `mtlzoo.images.augmentation.transform_points`, from pixels of the whole image, as a viewer
        shows it, to pixels of the returned one; and (height, width) of the whole image.
    """
    augmentation = augmentations.augmentation(augmentation)
    if augmentation is None:
        if cache is None:
            image, size = fit_image(source, image_size, resize, region, out)
        else:
            image, size = cache.fit(source, image_size, resize, region)
            if out is not None:
                np.copyto(out, image)
                image = out
        return image, augmentations.resize_matrix(size, image_size, resize, region), size
    image, size = (decode_with_size if cache is None else cache.decode)(source, _at_least(image_size, region))
    rng = np.random.default_rng() if rng is None else rng
    matrix = augmentation.sample_matrix(rng, size, image_size, resize, region)
    # Bars are black whatever the fill, so that training and validation look alike.
    fill = "constant" if resize == "pad" else augmentation.fill
    image = augmentations.warp(image, _from_reduced(matrix, image, size), image_size, fill, out)
    return augmentation.adjust_colors(rng, image, out=image), matrix, size


def fit_image(
    source: str | Path | bytes,
    image_size: tuple[int, int],
    resize: str = "stretch",
    region: Region | None = None,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[int, int]]:
    """Loads one image at the network's size, as it is, with the (height, width) of the whole image."""
    image, size = decode_with_size(source, _at_least(image_size, region))
    matrix = augmentations.resize_matrix(size, image_size, resize, region)
    fill = "constant" if resize == "pad" else "nearest"
    return augmentations.warp(image, _from_reduced(matrix, image, size), image_size, fill, out), size


def _at_least(image_size: tuple[int, int], region: Region | None) -> tuple[int, int] | None:
    """A region may be a small part of the image, so that there is nothing to spare in decoding."""
    return image_size if region is None else None


def _from_reduced(matrix: np.ndarray, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The matrix for an image that may have come reduced from its whole size."""
    return matrix if image.shape[:2] == size else matrix @ augmentations.scale_matrix(image.shape[:2], size)


def load_batch(
    paths: Sequence[str | Path],
    image_size: tuple[int, int],
    augmentation: str | Augmentation | None = None,
    resize: str = "stretch",
    seeds: Sequence[int] | np.ndarray | None = None,
    regions: Sequence[Region | None] | None = None,
    channels: int = 3,
    cache: ImageCache | None = None,
) -> tuple[np.ndarray, ImageGeometry]:
    """Loads a batch of images.

    Each image depends on its own seed alone: the same image comes out whichever worker loads it, in whatever batch.

    Args:
        paths: One path a row.
        image_size: (height, width) in pixels.
        augmentation: `None`, the name of a preset, or an `Augmentation`.
        resize: "stretch", "crop" or "pad".
        seeds: One integer of at least 0 a row; needed if there is an augmentation.
        regions: The part of each image that is seen; by default the whole of all.
        channels: 3 for RGB, 1 for gray (the luma of ITU-R BT.601, as OpenCV and Pillow have it).
        cache: Where images are kept, as they are before augmentation.

    Returns:
        uint8 images of shape (rows, height, width, channels), and where their pixels come from.

    Raises:
        ImageError: An image cannot be read; the message names the path.
        ValueError: The seeds are missing, or there is not one a row.
    """
    augmentation = augmentations.augmentation(augmentation)
    if augmentation is not None and (seeds is None or len(seeds) != len(paths)):
        received = "none" if seeds is None else len(seeds)
        raise ValueError(f"Expected one seed for each of the {len(paths)} rows, received: {received}.")
    check_channels(channels)
    images = np.empty((len(paths), *image_size, channels), np.uint8)
    geometry = ImageGeometry.empty(len(paths), image_size)
    for row, path in enumerate(paths):
        rng = None if augmentation is None else np.random.Generator(np.random.Philox(int(seeds[row])))
        out = images[row] if channels == 3 else None
        region = None if regions is None else regions[row]
        loaded = load_with_matrix(path, image_size, augmentation, resize, rng, out, region, cache)
        if channels == 1:
            images[row, ..., 0] = cv2.cvtColor(loaded[0], cv2.COLOR_RGB2GRAY)
        geometry.matrices[row], geometry.sizes[row] = loaded[1:]
    return images, geometry


def check_channels(channels: int) -> None:
    """Refuse a number of channels that no image file has.

    Raises:
        ValueError: It is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise ValueError(f"Expected 3 channels (RGB) or 1 (gray), received: {channels!r}.")


__all__ = ["ImageError", "check_channels", "load_batch", "load_image", "load_with_matrix"]
