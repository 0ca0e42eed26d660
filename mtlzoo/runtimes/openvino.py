"""OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mtlzoo.runtimes.base import KEY, Runtime, Shape, image_input, shape_of

MODEL = "model.xml"


class OpenVINORuntime(Runtime):
    """A folder with `model.xml` and `model.bin`.

    Args:
        path: The folder.
        threads: How many threads of the CPU.

    Raises:
        ImportError: If OpenVINO is not installed.
        ValueError: If it is no such folder.
    """

    name = "OpenVINO"

    def __init__(self, path: Path, threads: int | None = None):
        try:
            import openvino
        except ImportError:
            raise ImportError("OpenVINO folders run by the package 'openvino': pip install openvino") from None
        # In float32: newer processors would compute in bfloat16 otherwise, which moved a probability by a tenth.
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            core = openvino.Core()
            model = core.read_model(path / MODEL)
            self._model = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{path} cannot be run by OpenVINO: {reason}") from None
        self.path = path
        inputs, outputs = (
            {port.get_any_name(): _sides(port) for port in ports} for ports in (self._model.inputs, self._model.outputs)
        )
        _, self.batch, self.input_shape = image_input(path, inputs)
        self.output_shapes = {name: shape[1:] for name, shape in outputs.items()}
        told = model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None
        self.metadata = told

    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        result = self._model(images)
        return {name: result[name] for name in self.output_shapes}


def _sides(port: Any) -> Shape:
    return shape_of([side.get_length() if side.is_static else None for side in port.partial_shape])
