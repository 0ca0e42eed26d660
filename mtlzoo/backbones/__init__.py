"""Feature extractors: what is known about them, and how they are made. The registry loads without Keras."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mtlzoo.backbones.registry import BACKBONES, BackboneSpec, get_backbone, list_backbones

if TYPE_CHECKING:
    from mtlzoo.backbones.backbone import Backbone
    from mtlzoo.backbones.builtin_layers import to_builtin_layers
    from mtlzoo.backbones.creation import create_backbone
    from mtlzoo.backbones.preprocessing import preprocess
    from mtlzoo.backbones.recognition import expected_preprocessing
    from mtlzoo.backbones.scaling import Scaling

__all__ = [
    "BACKBONES",
    "Backbone",
    "BackboneSpec",
    "Scaling",
    "create_backbone",
    "expected_preprocessing",
    "get_backbone",
    "list_backbones",
    "preprocess",
    "to_builtin_layers",
]

_LAZY = {
    "Backbone": "backbone",
    "create_backbone": "creation",
    "Scaling": "scaling",
    "expected_preprocessing": "recognition",
    "preprocess": "preprocessing",
    "to_builtin_layers": "builtin_layers",
}


def __getattr__(name: str) -> Any:
    """Loads what needs Keras on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
