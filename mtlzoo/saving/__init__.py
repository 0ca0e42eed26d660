"""Files that run without mtlzoo, and models from files. One module a format; `EXPORTS` is the registry."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mtlzoo.system.registries import EXPORTS

if TYPE_CHECKING:
    from mtlzoo.saving.exporting import export
    from mtlzoo.saving.formats import ExportFormat
    from mtlzoo.saving.loading import load_model

_LAZY = {"ExportFormat": "formats", "export": "exporting", "load_model": "loading"}
__all__ = ["EXPORTS", "ExportFormat", "export", "load_model"]


def __getattr__(name: str) -> Any:
    """Load what is used (PEP 562): what files tell of their heads is read where there is no Keras, too."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
