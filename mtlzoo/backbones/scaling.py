"""A scaling of pixels that is none of the usual ones, such as that of a published network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from mtlzoo.backbones.registry import Preprocessing
from mtlzoo.errors import InputError


@dataclass(frozen=True)
class Scaling:
    """What pixels from 0 to 255 are multiplied with, and what is then added.

    Attributes:
        scale: One number for all channels, or one for each.
        offset: As `scale`.

    Example:

    ```python
    half = mtl.backbones.Scaling(1 / 255, -0.5)
    own = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3)])
    model = mtl.build(own, {"hat": 2}, preprocessing=half)
    ```
    """

    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _numbers(self.scale, 1.0))
        object.__setattr__(self, "offset", _numbers(self.offset, 0.0))

    def for_channels(self, channels: int | None) -> tuple[Any, Any]:
        """Scale and offset of so many channels: images of one channel get the averages.

        Raises:
            InputError: If there are other numbers of channels.
        """
        found = []
        for numbers in (self.scale, self.offset):
            if isinstance(numbers, tuple) and len(numbers) != channels:
                if channels != 1:
                    raise InputError(
                        f"Expected images of {len(numbers)} channels, or of one, for {self}, received: {channels} channels."
                    )
                numbers = float(np.mean(numbers))
            found.append(list(numbers) if isinstance(numbers, tuple) else numbers)
        return found[0], found[1]


def parse_preprocessing(value: Any) -> Preprocessing | Scaling:
    """A mode, or a scaling, from what a user or a file says.

    Args:
        value: A mode of `preprocess`, a `Scaling`, a dictionary of its numbers, or anything with a `scale` and an `offset`,
            such as an `ImageConverter` of KerasHub, whose resizing is left to the images' own way to the network's size.

    Raises:
        InputError: If it is none of these.
    """
    if isinstance(value, Scaling) or value in get_args(Preprocessing):
        return value
    if isinstance(value, Mapping) and set(value) == {"scale", "offset"}:
        return Scaling(value["scale"], value["offset"])
    if hasattr(value, "scale") and hasattr(value, "offset"):
        scaling = Scaling(value.scale, value.offset)
        return "none" if scaling == Scaling() else scaling
    raise InputError(
        f"Expected one of the modes {get_args(Preprocessing)}, an mtl.backbones.Scaling, or an image converter of KerasHub, "
        f"received: {value!r}."
    )


def _numbers(value: Any, default: float) -> float | tuple[float, ...]:
    try:
        numbers = np.asarray(default if value is None else value, "float64")
    except (TypeError, ValueError):
        numbers = np.zeros((0, 0))
    if numbers.ndim > 1 or not numbers.size or not np.isfinite(numbers).all():
        raise InputError(f"Expected one number, or one for each channel, received: {value!r}.")
    return tuple(float(number) for number in numbers) if numbers.ndim and numbers.size > 1 else float(numbers.item())
