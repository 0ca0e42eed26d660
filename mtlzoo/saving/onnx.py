"""ONNX: a file for onnxruntime and others."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtlzoo.runtimes.onnx import ONNXRuntime
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.metadata import KEY
from mtlzoo.saving.portable_operations import portable_operations


def write(
    model: keras.Model,
    metadata: str,
    path: Path,
    *,
    precision: str = "float32",
    images: np.ndarray | None = None,
    keep_float: bool = False,
) -> None:
    """Write a plain model, with the metadata among the file's own properties.

    Args:
        model: The plain model.
        metadata: Its heads as a JSON text.
        path: The file.
        precision: `"float32"`, or `"int8"`: weights and what goes between layers in 8 bits, with ranges seen in images.
        images: For `"int8"`.
        keep_float: With `"int8"`, whether dense layers, those of the heads above all, stay in float32.

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
    if precision == "int8" and images is not None:
        file = _quantized(file, images, keep_float)
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


def _quantized(file: Any, images: np.ndarray, keep_float: bool) -> Any:
    """The graph with 8-bit numbers between its operations, weights by channel, by ONNX Runtime's static quantization.

    Raises:
        ImportError: If ONNX Runtime is not installed.
    """
    try:
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise ImportError("int8 of ONNX needs the package 'onnxruntime': pip install onnxruntime") from None
    import onnx

    class Examples(quantization.CalibrationDataReader):
        def __init__(self, name: str):
            self.left: Iterator[dict[str, np.ndarray]] = iter({name: image[None].astype("float32")} for image in images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.left, None)

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, out = (str(Path(folder) / name) for name in ("plain.onnx", "prepared.onnx", "out.onnx"))
        onnx.save(file, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        dense = [node.name for node in graph.node if node.op_type in ("MatMul", "Gemm", "Softmax", "Sigmoid")]
        quantization.quantize_static(
            prepared,
            out,
            Examples(graph.input[0].name),
            per_channel=True,
            nodes_to_exclude=dense if keep_float else [],
        )
        return onnx.load(out)


def open_file(path: Path) -> Run:
    """What a file puts out where ONNX Runtime runs it."""
    return ONNXRuntime(path).run


FORMAT = ExportFormat(".onnx", write, open=open_file, measures=True, precisions=("float32", "int8"))
