"""What runs an exported file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# What a file calls its metadata.
KEY = "mtlzoo"

Shape = tuple[int | None, ...]


class Runtime(ABC):
    """An exported file, opened by the engine that it was written for.

    Attributes:
        name: The engine, as people call it.
        path: The file.
        metadata: The JSON text that tells of the heads; `None` where the file has none.
        input_shape: Height, width and channels; `None` for any.
        output_shapes: The shape of each output by its name, without the batch.
        batch: How many images it takes at once; `None` for any number.

    Example:

    ```python
    from mtlzoo.runtimes import open_runtime

    runtime = open_runtime(Path("model.tflite"))
    runtime.run(np.zeros((3, *runtime.input_shape)))["coat_length"].shape  # (3, 3)
    ```
    """

    name: str
    path: Path
    metadata: str | None
    input_shape: Shape
    output_shapes: dict[str, Shape]
    batch: int | None = None

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs for images.

        Args:
            images: `(rows, height, width, channels)` of the input's size, numbers from 0 to 255.

        Returns:
            float32 arrays by the name of the output, rows on the first axis.
        """
        images = np.ascontiguousarray(images, "float32")
        size = self.batch or max(len(images), 1)
        parts = [self._run(images[start : start + size]) for start in range(0, len(images), size)]
        return {name: np.concatenate([np.asarray(part[name], "float32") for part in parts]) for name in parts[0]}

    @abstractmethod
    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs for as many images as the file takes at once."""


def image_input(path: Path, shapes: Mapping[str, Shape]) -> tuple[str, int | None, Shape]:
    """The name of a file's only input, how many images it takes at once, and their shape.

    Args:
        path: The file, for the message.
        shapes: The shape of each input by its name.

    Raises:
        ValueError: If there are several, or it takes no images.
    """
    ((name, shape), *others) = [*shapes.items()] or [("nothing", ())]
    if others or len(shape) != 4:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
        raise ValueError(f"{path}: expected one input of images (rows, height, width, channels), received: {told}.")
    return name, shape[0], shape[1:]


def shape_of(sides: object) -> Shape:
    """A shape in which any side that is not known is `None`."""
    return tuple(int(side) if isinstance(side, int | np.integer) and side > 0 else None for side in sides)  # type: ignore[attr-defined]
