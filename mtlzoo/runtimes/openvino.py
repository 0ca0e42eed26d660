"""OpenVINO."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtlzoo.runtimes.base import KEY, Runtime, shape_of

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
        (given,) = self._model.inputs
        self.batch, *shape = (
            dimension.get_length() if dimension.is_static else None for dimension in given.partial_shape
        )
        self.input_shape = tuple(shape)
        self.output_shapes = {
            output.get_any_name(): shape_of(
                [side.get_length() if side.is_static else None for side in output.partial_shape]
            )[1:]
            for output in self._model.outputs
        }
        told = model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None
        self.metadata = told

    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        result = self._model(images)
        return {name: result[name] for name in self.output_shapes}
