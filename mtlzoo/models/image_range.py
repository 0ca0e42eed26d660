"""Images are numbers from 0 to 255: a hint where they look as if they had been scaled already."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.errors import InputError

if TYPE_CHECKING:
    from keras import Model as _Base
else:
    _Base = object  # the class below stands before `keras.Model` among the bases of a model

LOOKED_AT = 32  # images, so that a large array costs nothing


def warn_if_scaled(images: Any) -> None:
    """Warn if images are floats of which the largest is at most 1, by the first few; black images are let pass.

    Args:
        images: An array of one image or several, floats or whole numbers; anything else is let pass.
    """
    if not isinstance(images, np.ndarray) or images.ndim < 3 or not np.issubdtype(images.dtype, np.floating):
        return
    first = images[:LOOKED_AT]
    if not first.size or not first.any() or not first.max() <= 1:
        return
    warnings.warn(
        f"Images are expected as numbers from 0 to 255, and these reach from {first.min():.3g} to {first.max():.3g}: the "
        "model scales them itself, so give them as they are decoded (or times 255).",
        stacklevel=_frames_of_this_package(),
    )


def check_images(images: Any, shape: tuple[int | None, ...]) -> None:
    """Refuse what is no array of images of the model's size; batches and dictionaries are let pass.

    Args:
        images: What Keras is given.
        shape: Height, width and channels of the model.

    Raises:
        InputError: If it is nothing, a list, or an array of another shape.
    """
    sizes = ", ".join("any" if size is None else str(size) for size in shape)
    expected = f"Expected images as one array of shape (rows, {sizes})"
    if images is None or isinstance(images, str | bytes | list | tuple):
        if isinstance(images, list | tuple) and len(images) == 1 and getattr(images[0], "ndim", 0) == 4:
            return  # as Keras takes a list of inputs
        raise InputError(f"{expected}, received: {type(images).__name__}. mtl.predict takes lists, files and any size.")
    if isinstance(images, np.ndarray):
        own = images.shape[1:]
        if len(own) != len(shape) or any(size not in (None, got) for size, got in zip(shape, own)):
            raise InputError(
                f"{expected}, received shape {images.shape}. mtl.predict resizes images, and so do tables."
            )


class ChecksImages(_Base):
    """What a model does with arrays of images before Keras gets them."""

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Keras' `fit`, with that check and that warning."""
        check_images(x, self.input_shape[1:])
        warn_if_scaled(x)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Keras' `evaluate`, with that check and that warning."""
        check_images(x, self.input_shape[1:])
        warn_if_scaled(x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Keras' `predict`, with a check of their shape, and a warning of floats of which the largest is at most 1."""
        check_images(x, self.input_shape[1:])
        warn_if_scaled(x)
        return super().predict(x, *args, **kwargs)


def _frames_of_this_package() -> int:
    """The `stacklevel` that names the line of the user's, who is then told once for each such line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    return level


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] in ("mtlzoo", "keras")
