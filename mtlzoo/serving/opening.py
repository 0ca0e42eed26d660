"""Any file of a model, opened to predict with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from mtlzoo.runtimes.opening import is_runnable
from mtlzoo.serving.predictor import load_predictor
from mtlzoo.system.startup import load_quietly


def open_network(path: str | Path, threads: int | None = None, trusted: bool = False) -> Any:
    """Open a file of any format that predicts: as a predictor where its engine is enough, else as a model of Keras.

    Args:
        path: An `.h5`, `.keras`, `.tflite` or `.onnx` file, or a folder of OpenVINO.
        threads: How many threads of the CPU, for files that do without Keras.
        trusted: As :func:`mtlzoo.load_model` takes it.

    Returns:
        A :class:`mtlzoo.serving.Predictor`, or a `MultiTaskModel`.

    Raises:
        FileNotFoundError: If there is no such file.
        ModelFileError: If it is no model, or cannot be run.
        ImportError: If what runs it is not installed; it says what that is.

    Example:

    ```python
    from mtlzoo.serving import open_network

    mtl.export(model, "model.h5")
    network = open_network("model.h5")
    ```
    """
    path = Path(path)
    if is_runnable(path):
        return load_predictor(path, threads)
    if not path.exists():
        raise FileNotFoundError(f"No such model file: {path}.")
    if importlib.util.find_spec("keras") is None:
        raise ImportError(
            f"{path} wants Keras and TensorFlow, which are not installed: pip install mtlzoo. Without them, a "
            ".tflite or .onnx file, or a folder of OpenVINO, predicts."
        )
    load_quietly()
    from mtlzoo.saving import load_model

    return load_model(path, trusted=trusted)
