"""Read a model back with its heads."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import keras

from mtlzoo.backbones.hub import import_hub
from mtlzoo.errors import ModelFileError
from mtlzoo.files.regular import missing_reason
from mtlzoo.models import MultiTaskModel
from mtlzoo.saving import h5, keras_file
from mtlzoo.saving.validation import check_shape, output_shapes, read_heads

# How Keras says that it does not know a class, and its name.
UNKNOWN = re.compile(
    r"(?:Unknown (?:layer|class)[^']*|Could not locate (?:class|function)|Could not deserialize) "
    r"'(?:[^']*\.)?([^'.]{1,60})'"
)
READERS = {".h5": h5, ".hdf5": h5, ".keras": keras_file}


def load_model(path: str | Path, trusted: bool = False) -> MultiTaskModel:
    """Read the whole `MultiTaskModel` from a file that :func:`export` wrote, or that Keras saved as a checkpoint.

    Args:
        path: An `.h5` or `.keras` file.
        trusted: Whether a file with `Lambda` layers may be loaded. They hold code that runs on loading: say yes only to
            files that you made yourself.

    Returns:
        The model with its heads, not compiled.

    The file is looked through before anything of it is used: what it tells of its heads has to fit the model's outputs,
    its parts may neither lie outside of it nor claim more than it can hold, and its weights have to be those that were
    written, `trusted` or not.

    Raises:
        FileNotFoundError: If there is no such file.
        ModelFileError: If the file is no model, is damaged, holds a `Lambda` layer and is not trusted, or tells nothing
            of heads, or nothing that can be true; one line that names it.

    Example:

    ```python
    model = mtl.load_model("model.h5")
    model.heads["coat_length"].names
    ```
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No such model file: {path}.")
    if not path.is_file():
        raise ModelFileError(f"{path} {missing_reason(path)}; expected a model file that ends in {', '.join(READERS)}.")
    if path.suffix not in READERS and path.suffix.lower() in READERS:
        raise ModelFileError(
            f"{path}: Keras knows model files by a suffix in small letters; rename it to end in {path.suffix.lower()}."
        )
    if path.suffix not in READERS:
        raise ModelFileError(
            f"Expected a model file that ends in {', '.join(READERS)}, received: {path.name!r}. Other formats hold no model "
            "that can be trained: they run where mtlzoo is not."
        )
    reader = READERS[path.suffix]
    metadata = reader.read_metadata(path, trusted)
    if path.suffix == ".keras":
        import_packages(path)
    try:
        graph = keras.models.load_model(path, compile=False, safe_mode=not trusted)
    except Exception as error:  # Keras raises whatever a graph that is none makes it stumble over.
        raise _plain(error, path) from None
    if isinstance(graph, MultiTaskModel):
        for name, shape in output_shapes(graph, path).items():
            check_shape(name, graph.heads[name], shape, path)
        return graph
    if metadata is None:
        raise ModelFileError(
            f"{path} is a Keras model but tells nothing of heads: it was not written by `mtl.export`. Load it with "
            "`keras.models.load_model`, or use it as the backbone of a new model."
        )
    told = read_heads(metadata, path, output_shapes(graph, path))
    reader.check_weights(graph, path)
    try:
        return MultiTaskModel.from_plain(graph, **told)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{path}: its graph is not one that `mtl.export` writes: {reason}") from None


def import_packages(path: Path) -> None:
    """Import KerasHub where a `.keras` file holds layers of it.

    Raises:
        ModelFileError: If it is not installed.
    """
    with zipfile.ZipFile(path) as archive:
        if b'"keras_hub>' not in archive.read("config.json"):
            return
    try:
        import_hub()
    except ImportError as error:
        raise ModelFileError(f"{path} holds layers of KerasHub. {error}") from None


def _plain(error: Exception, path: Path) -> ModelFileError:
    """What Keras says in a hundred lines, in one."""
    text = str(error)
    unknown = UNKNOWN.search(text)
    if unknown:
        return ModelFileError(
            f"{path} holds {unknown[1]!r}, which Keras does not know: import what registers it first, or take a newer Keras."
        )
    return ModelFileError(
        f"{path} cannot be loaded as a Keras model ({type(error).__name__}): it is damaged, no model, or was written by "
        f"another version of Keras (this is {keras.__version__})."
    )
