"""Which engine runs a file."""

from __future__ import annotations

import importlib
from pathlib import Path

from mtlzoo.errors import ModelFileError
from mtlzoo.runtimes.base import Runtime

MODEL = "model.xml"  # of OpenVINO
# Loaded when a file of theirs is opened.
ENGINES = {
    ".tflite": "mtlzoo.runtimes.litert:LiteRTRuntime",
    ".onnx": "mtlzoo.runtimes.onnx:ONNXRuntime",
    "": "mtlzoo.runtimes.openvino:OpenVINORuntime",
}


def is_runnable(path: Path) -> bool:
    """Whether a path is a file or folder that :func:`open_runtime` opens, by its name and the names in it."""
    return path.suffix.lower() in (".tflite", ".onnx") or (path / MODEL).is_file()


def open_runtime(path: Path, threads: int | None = None) -> Runtime:
    """Open an exported file by the engine that runs it.

    Args:
        path: A `.tflite` or `.onnx` file, or a folder of OpenVINO.
        threads: How many threads of the CPU; by default what the engine takes.

    Returns:
        The opened file.

    Raises:
        FileNotFoundError: If there is nothing.
        ModelFileError: If it is nothing of these, or cannot be run.
        ImportError: If the engine is not installed; it says which.

    Example:

    ```python
    runtime = open_runtime(Path("model.tflite"))
    runtime.run(images)["coat_length"]
    ```
    """
    if not path.exists():
        raise FileNotFoundError(f"No such model file: {path}.")
    if not is_runnable(path):
        raise ModelFileError(
            f"Expected a .tflite or .onnx file, or a folder of OpenVINO, received: {path}. Files of Keras (.h5, .keras) "
            "want mtl.load_model, and TensorFlow."
        )
    module, _, name = ENGINES["" if path.is_dir() else path.suffix.lower()].partition(":")
    try:
        runtime: Runtime = getattr(importlib.import_module(module), name)(path, threads)
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    return runtime
