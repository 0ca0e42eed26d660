"""Exported files as people use them: predictions without Keras and TensorFlow, and what each format and precision costs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlzoo.serving.measuring import benchmark
    from mtlzoo.serving.predictor import Predictor, load_predictor

_LAZY = {"Predictor": "predictor", "benchmark": "measuring", "load_predictor": "predictor"}
__all__ = ["Predictor", "benchmark", "load_predictor"]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
