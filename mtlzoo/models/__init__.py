"""The builders and the model they build."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlzoo.models.averaging import average
    from mtlzoo.models.builders import build, named_builder
    from mtlzoo.models.calibrated import Calibration
    from mtlzoo.models.freezing import set_trainable
    from mtlzoo.models.multitask import MultiTaskModel

_MODULES = {
    "averaging": ["average"],
    "builders": ["build", "named_builder"],
    "calibrated": ["Calibration"],
    "freezing": ["set_trainable"],
    "multitask": ["MultiTaskModel"],
}
_LAZY = {name: module for module, names in _MODULES.items() for name in names}
__all__ = ["Calibration", "MultiTaskModel", "average", "build", "named_builder", "set_trainable"]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562): what travels in files is read where there is no Keras, too."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
