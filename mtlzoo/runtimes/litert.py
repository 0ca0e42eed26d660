"""LiteRT: `ai-edge-litert`, or TensorFlow's own where that is not installed."""

from __future__ import annotations

import importlib
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mtlzoo.runtimes.base import KEY, Runtime, image_input, shape_of
from mtlzoo.system.startup import held_back

NEEDED = "LiteRT files run by the package 'ai-edge-litert': pip install ai-edge-litert"


class LiteRTRuntime(Runtime):
    """A `.tflite` file.

    Args:
        path: The file.
        threads: How many threads of the CPU.

    Raises:
        ImportError: If there is no LiteRT.
        ValueError: If it is no such file, or holds operations that only TensorFlow has where that is not installed.
    """

    name = "LiteRT"

    def __init__(self, path: Path, threads: int | None = None):
        self.path = path
        self._interpreter = _open(path, threads)
        if len(self._interpreter.get_signature_list()) != 1:
            raise ValueError(f"{path}: expected one signature, as `mtl.export` writes, received none or several.")
        self._signature = self._interpreter.get_signature_runner()
        inputs = self._signature.get_input_details().items()
        shapes = {name: shape_of(details["shape_signature"]) for name, details in inputs}
        self._input, self.batch, self.input_shape = image_input(path, shapes)
        self.output_shapes = {
            name: shape_of(details["shape_signature"])[1:]
            for name, details in self._signature.get_output_details().items()
        }
        self.metadata = _metadata(path)

    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        return dict(self._signature(**{self._input: images}))


def _open(path: Path, threads: int | None) -> Any:
    """An interpreter: `ai-edge-litert` has no operations of TensorFlow, which files of some networks hold."""
    missing: Exception = ImportError(NEEDED)
    for module in ("ai_edge_litert.interpreter", "tensorflow"):
        try:
            engine = importlib.import_module(module)
            interpreter_class = engine.lite.Interpreter if module == "tensorflow" else engine.Interpreter
        except ImportError:
            continue
        try:
            with warnings.catch_warnings(), held_back():  # it tells of its delegate
                warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
                interpreter = interpreter_class(str(path), num_threads=threads)
                interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            missing = ValueError(f"{path} cannot be run by LiteRT: {reason}")
            continue
        return interpreter
    raise missing


def _metadata(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(f"{KEY}.json").decode("utf-8")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        return None
