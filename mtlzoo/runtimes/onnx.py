"""ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtlzoo.runtimes.base import KEY, Runtime, image_input, shape_of


class ONNXRuntime(Runtime):
    """An `.onnx` file.

    Args:
        path: The file.
        threads: How many threads of the CPU.

    Raises:
        ImportError: If ONNX Runtime is not installed.
        ValueError: If it is no such file.
    """

    name = "ONNX Runtime"

    def __init__(self, path: Path, threads: int | None = None):
        try:
            import onnxruntime
        except ImportError:
            raise ImportError("ONNX files run by the package 'onnxruntime': pip install onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no base class of their own
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{path} cannot be run by ONNX Runtime: {reason}") from None
        self.path = path
        inputs = {given.name: shape_of(given.shape) for given in self._session.get_inputs()}
        self._input, self.batch, self.input_shape = image_input(path, inputs)
        self.output_shapes = {output.name: shape_of(output.shape)[1:] for output in self._session.get_outputs()}
        self.metadata = self._session.get_modelmeta().custom_metadata_map.get(KEY)

    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        names = list(self.output_shapes)
        return dict(zip(names, self._session.run(names, {self._input: images})))
