"""Exported files, run by what runs them elsewhere: LiteRT, ONNX Runtime or OpenVINO, without Keras."""

from mtlzoo.runtimes.base import Runtime
from mtlzoo.runtimes.opening import open_runtime

__all__ = ["Runtime", "open_runtime"]
