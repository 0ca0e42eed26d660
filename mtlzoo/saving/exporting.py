"""Write a model in the format that its suffix names."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtlzoo.backbones import to_builtin_layers
from mtlzoo.files import FolderKind, writing
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model
from mtlzoo.saving import h5, keras_file, litert, onnx, saved_model, web
from mtlzoo.saving.metadata import describe

# Format: its suffix (a folder has none) and what writes a plain model and its metadata, a JSON text, to a path. A suffix
# stands for the first format that has it.
FORMATS: dict[str, tuple[str, Callable[..., None]]] = {
    "h5": (".h5", h5.write),
    "keras": (".keras", keras_file.write),
    "savedmodel": ("", saved_model.write),
    "litert": (".tflite", litert.write),
    "onnx": (".onnx", onnx.write),
    "web": ("", web.write),
}
# Keras tells these by their suffix, in small letters, when it writes and when it reads.
BY_SUFFIX = ("h5", "keras", "litert")
# How the folders among them are known again.
FOLDERS: dict[str, FolderKind] = {"savedmodel": saved_model.FOLDER, "web": web.FOLDER}


def export(
    model: MultiTaskModel, path: str | Path, format: str | None = None, *, overwrite: bool = False, **options: Any
) -> Path:
    """Write a model to a file that runs where mtlzoo is not installed.

    The file holds a plain graph of built-in layers, without training state; preprocessing is part of it. An `.h5` or
    `.keras` file loads with `keras.models.load_model` and predicts the same numbers; with :func:`load_model` it gives
    the whole `MultiTaskModel` back, since the heads travel inside as metadata.

    Args:
        model: The model.
        path: Where to write.
        format: `"h5"`, `"keras"`, `"litert"` (`.tflite`), `"onnx"`, `"savedmodel"` (a folder) or `"web"` (a folder with a
            page that runs the model in the browser); by default what the suffix says, and a SavedModel if there is none.
        overwrite: Whether an existing file may be replaced, once the new one is complete; of folders only those that hold a
            model of the same format and nothing else.
        **options: What the format has of its own: `runtime="cdn"` lets a web page load its runtime from a public CDN
            rather than from the folder.

    Returns:
        The path.

    Raises:
        ValueError: If the format is unknown or has no such option, or a layer of the model is not built in.
        OutputError: If something else is there, or a model that is not to be replaced.
        ImportError: If the format needs a package that is not installed; it says which.
        OSError: If the runtime of a web page cannot be obtained.

    Example:

    ```python
    mtl.export(model, "model.h5")
    plain = keras.models.load_model("model.h5")  # in a process without mtlzoo
    ```
    """
    path = Path(path)
    format = find_format(path, format)
    check_model(model)
    write = FORMATS[format][1]
    known = list(inspect.signature(write).parameters)[3:]  # after model, metadata and path
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(
            f"Format {format!r} has {' and '.join(known) or 'no options'}, received: {', '.join(unknown)}."
        )
    kind = FOLDERS.get(format)
    with writing(path, kind=kind, overwrite=overwrite) as temporary, warnings.catch_warnings():
        # TensorFlow's own arrays do not know the `copy` that numpy 2 wants: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)
        write(to_builtin_layers(model), describe(model), temporary, **options)
    return path


def find_format(path: Path, format: str | None = None) -> str:
    """The format that is named, or else the one that a path's suffix stands for.

    Raises:
        ValueError: If there is no such format.
    """
    if format is None:
        format = next((name for name, (suffix, _) in FORMATS.items() if suffix == path.suffix.lower()), None)
        if format is None:
            raise ValueError(
                f"Expected a file that ends in {', '.join(suffix for suffix, _ in FORMATS.values() if suffix)}, or a folder "
                f"for a SavedModel, received: {path.name!r}. Or say `format=`."
            )
    if format not in FORMATS:
        raise ValueError(f"Expected `format` to be one of {', '.join(FORMATS)}, received: {format!r}.")
    suffix = FORMATS[format][0]
    if format in BY_SUFFIX and path.suffix != suffix:
        raise ValueError(
            f"Expected a file that ends in {suffix}, as Keras wants of the format {format!r}, received: {path.name!r}."
        )
    return format
