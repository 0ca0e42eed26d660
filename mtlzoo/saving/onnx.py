"""ONNX: a file for onnxruntime and others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

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
    _keep_sizes(file)
    onnx.helper.set_model_props(file, {KEY: metadata})
    onnx.save(file, path)


def _keep_sizes(file: Any) -> None:
    """Let maps that are resized get the size that they had: tf2onnx writes 18 / 5 as 3.5999999, which makes 17 of 5."""
    from onnx import numpy_helper

    scales = {node.input[2] for node in file.graph.node if node.op_type == "Resize" and len(node.input) > 2}
    for tensor in file.graph.initializer:
        if tensor.name in scales:
            values = numpy_helper.to_array(tensor)
            above = np.where(values % 1 == 0, values, np.nextafter(values, np.inf, dtype=values.dtype))
            tensor.CopyFrom(numpy_helper.from_array(above, tensor.name))


FORMAT = ExportFormat(".onnx", write)
