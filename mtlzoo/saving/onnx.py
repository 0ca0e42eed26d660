"""ONNX: a file for onnxruntime and others."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
import numpy as np

from mtlzoo.saving.formats import ExportFormat
from mtlzoo.saving.metadata import KEY
from mtlzoo.saving.portable_operations import portable_operations


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, with the metadata among the file's own properties.

    Raises:
        ImportError: If the packages of the extra `onnx` are not installed.
    """
    try:
        import onnx
        import tf2onnx  # noqa: F401 - Keras needs it
    except ImportError as error:
        raise ImportError(f"ONNX export needs the package {error.name!r}: pip install 'mtlzoo[onnx]'") from None
    # Keras exports to ONNX only what has been called once.
    model(np.zeros((1, *model.input_shape[1:]), "float32"))
    with warnings.catch_warnings(), portable_operations(model):
        # Keras still mends an `np.object` that tf2onnx no longer needs: https://github.com/keras-team/keras/pull/23095
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        model.export(path, format="onnx", verbose=False)
    file = onnx.load(path)
    onnx.helper.set_model_props(file, {KEY: metadata})
    onnx.save(file, path)


FORMAT = ExportFormat(".onnx", write)
