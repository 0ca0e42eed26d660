"""What an export format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from mtlzoo.files import FolderKind

Run: TypeAlias = Callable[[np.ndarray], Mapping[str, Any]]
"""From float32 images `(rows, height, width, channels)` to the outputs by name."""


@dataclass(frozen=True)
class ExportFormat:
    """A way to write a model for where mtlzoo is not installed.

    Attributes:
        suffix: The suffix of its files with the dot, such as `".onnx"`; empty for a folder.
        write: `write(model, metadata, path, **options)` writes a plain `keras.Model`, and the metadata, a JSON text that
            tells of its heads, to a path where nothing is. Its keyword arguments are the format's options.
        folder: How a folder of this format is known again; for formats that are folders.
        exact_suffix: Whether files have to end in the suffix, in small letters, because Keras tells the format by it.
        layers: What layers its files can hold: `"builtin"`, those of Keras alone; `"registered"`, those too that a package
            registers, which then has to be imported where the file is loaded; or `"any"`, since it keeps what they compute.
            Layers are rewritten as built-in ones wherever that is possible.
        open: Opens a written file in the engine that runs it elsewhere, so that it can be compared with Keras; `None` where
            there is none. It raises an `ImportError` where the engine is not installed.
        measures: Whether its files have an output more, the distance from known images, of a model that knows some.
        precisions: What numbers its files can compute with. Those of several have the arguments `precision` and `images` of
            `write`, uint8 images to learn ranges from, or `None`.

    Example:

    ```python
    from mtlzoo.saving.formats import ExportFormat

    def write(model, metadata, path):
        path.write_text(metadata)

    FORMAT = ExportFormat(".json", write)
    ```
    """

    suffix: str
    write: Callable[..., None]
    folder: FolderKind | None = None
    exact_suffix: bool = False
    layers: Literal["builtin", "registered", "any"] = "any"
    open: Callable[[Path], Run] | None = None
    measures: bool = False
    precisions: tuple[str, ...] = ("float32",)
