"""What an export format is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mtlzoo.files import FolderKind


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
