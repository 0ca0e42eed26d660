"""Exported files as people use them: predictions without Keras and TensorFlow, over HTTP too, and what each format costs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlzoo.serving.app import create_app
    from mtlzoo.serving.many.on_ray import predict_on_ray
    from mtlzoo.serving.many.predicting import Written, predict_files
    from mtlzoo.serving.measuring import benchmark
    from mtlzoo.serving.opening import open_network
    from mtlzoo.serving.predictor import Predictor, load_predictor
    from mtlzoo.serving.server import serve
    from mtlzoo.serving.settings import ServerSettings

_LAZY = {
    "Predictor": "predictor",
    "ServerSettings": "settings",
    "Written": "many.predicting",
    "benchmark": "measuring",
    "create_app": "app",
    "load_predictor": "predictor",
    "open_network": "opening",
    "predict_files": "many.predicting",
    "predict_on_ray": "many.on_ray",
    "serve": "server",
}
__all__ = [
    "Predictor",
    "ServerSettings",
    "Written",
    "benchmark",
    "create_app",
    "load_predictor",
    "open_network",
    "predict_files",
    "predict_on_ray",
    "serve",
]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "create_app":
        from mtlzoo.serving.server import check_installed

        check_installed()
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
