"""From image files to the arrays that a network takes: decode, warp, adjust colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mtlzoo.data import augmentation as augmentations
from mtlzoo.data.augmentation import Augmentation
from mtlzoo.data.decoding import ImageError, decode_with_size

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
) -> np.ndarray:
    """Loads one image at the network's size.

    Args:
        source: Path of the file, or the content of a file.
        image_size: (height, width) in pixels.
        augmentation: `None`, the name of a preset ("default", "light"), or an `Augmentation`.
        resize: "stretch", "crop" (the middle, at its own aspect ratio) or "pad" (black bars).
        rng: Where the augmentation's random numbers come from; by default fresh ones.

    Returns:
        uint8 RGB image of shape (height, width, 3), 0 to 255.

    Raises:
        ImageError: The image cannot be read; the message names the path.
        ValueError: The augmentation or `resize` is unknown.

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
    return load_with_matrix(source, image_size, augmentation, resize, rng)[0]


def load_with_matrix(
    source: str | Path | bytes,
    image_size: tuple[int, int],
    augmentation: str | Augmentation | None = None,
    resize: str = "stretch",
    rng: np.random.Generator | None = None,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """`load_image`, and the matrix that moves landmarks and boxes with the pixels.

    Args:
        source: As in `load_image`, like the other arguments.
        image_size: (height, width) in pixels.
        augmentation: What may happen to the image.
        resize: How the image is resized.
        rng: Where the random numbers come from.
        out: Contiguous uint8 array of shape (height, width, 3) to write the image to; by default a new one.

    Returns:
        The uint8 image of shape (height, width, 3), and the float64 matrix of shape (2, 3) for
        `mtlzoo.data.augmentation.transform_points`, from pixels of the whole image, as a viewer shows it, to pixels
        of the returned one.
    """
    augmentation = augmentations.augmentation(augmentation)
    image, size = decode_with_size(source, at_least=image_size)
    if augmentation is None:
        matrix = augmentations.resize_matrix(size, image_size, resize)
    else:
        rng = np.random.default_rng() if rng is None else rng
        matrix = augmentation.sample_matrix(rng, size, image_size, resize)
    # The image may have come reduced; bars are black whatever the fill, so that training and validation look alike.
    to_reduced = matrix if image.shape[:2] == size else matrix @ augmentations.scale_matrix(image.shape[:2], size)
    fill = "constant" if resize == "pad" else augmentation.fill if augmentation else "nearest"
    image = augmentations.warp(image, to_reduced, image_size, fill, out)
    if augmentation is not None:
        image = augmentation.adjust_colors(rng, image, out=image)
    return image, matrix


def load_batch(
    paths: Sequence[str | Path],
    image_size: tuple[int, int],
    augmentation: str | Augmentation | None = None,
    resize: str = "stretch",
    seeds: Sequence[int] | np.ndarray | None = None,
) -> np.ndarray:
    """Loads a batch of images.

    Each image depends on its own seed alone: the same picture comes out whichever worker loads it, in whatever batch.

    Args:
        paths: One path a row.
        image_size: (height, width) in pixels.
        augmentation: `None`, the name of a preset, or an `Augmentation`.
        resize: "stretch", "crop" or "pad".
        seeds: One integer of at least 0 a row; needed if there is an augmentation.

    Returns:
        uint8 RGB images of shape (rows, height, width, 3).

    Raises:
        ImageError: An image cannot be read; the message names the path.
        ValueError: The seeds are missing, or there is not one a row.
    """
    augmentation = augmentations.augmentation(augmentation)
    if augmentation is not None and (seeds is None or len(seeds) != len(paths)):
        received = "none" if seeds is None else len(seeds)
        raise ValueError(f"Expected one seed for each of the {len(paths)} rows, received: {received}.")
    images = np.empty((len(paths), *image_size, 3), np.uint8)
    for row, path in enumerate(paths):
        rng = None if augmentation is None else np.random.Generator(np.random.Philox(int(seeds[row])))
        load_with_matrix(path, image_size, augmentation, resize, rng, out=images[row])
    return images


__all__ = ["ImageError", "load_batch", "load_image", "load_with_matrix"]
