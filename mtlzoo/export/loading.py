"""Read a model back with its heads."""

from __future__ import annotations

from pathlib import Path

import keras

from mtlzoo.export import h5, keras_file
from mtlzoo.export.metadata import read
from mtlzoo.models import MultiTaskModel

READERS = {".h5": h5.read_metadata, ".hdf5": h5.read_metadata, ".keras": keras_file.read_metadata}


def load_model(path: str | Path, trusted: bool = False) -> MultiTaskModel:
    """Read the whole `MultiTaskModel` from a file that :func:`export` wrote, or that Keras saved as a checkpoint.

    Args:
        path: An `.h5` or `.keras` file.
        trusted: Whether a file with `Lambda` layers may be loaded. They hold code that runs on loading: say yes only to
            files that you made yourself.

    Returns:
        The model with its heads, not compiled.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no model, holds a `Lambda` layer and is not trusted, or tells nothing of heads.

    Example:

    ```python
    model = mtl.load_model("model.h5")
    model.heads["coat_length"].names
    ```
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No such model file: {path}.")
    if path.suffix.lower() not in READERS:
        raise ValueError(f"Expected a model file that ends in {', '.join(READERS)}, received: {path.name!r}.")
    metadata = READERS[path.suffix.lower()](path)
    try:
        graph = keras.models.load_model(path, compile=False, safe_mode=not trusted)
    except Exception as error:
        if not trusted and "lambda" in str(error).lower():
            raise ValueError(
                f"{path} holds a Lambda layer, that is, code that would run here. If you made this file yourself, load it "
                "with trusted=True (on the command line --trust)."
            ) from None
        raise ValueError(f"{path} cannot be loaded as a Keras model: {' '.join(str(error).split())[:300]}") from error
    if isinstance(graph, MultiTaskModel):
        return graph
    if metadata is None:
        raise ValueError(
            f"{path} is a Keras model but tells nothing of heads: it was not written by `mtl.export`. Load it with "
            "`keras.models.load_model`, or use it as the backbone of a new model."
        )
    return MultiTaskModel.from_plain(graph, **read(metadata))
