"""Files that run without mtlzoo. One module a format; `FORMATS` is the registry.

The room and its main function have the same name, so the room can be called: `mtl.export(model, "model.h5")`.
"""

import sys
from types import ModuleType
from typing import Any

from mtlzoo.export.exporting import FORMATS, export
from mtlzoo.export.loading import load_model

__all__ = ["FORMATS", "export", "load_model"]


class _CallableModule(ModuleType):
    """Importing a submodule binds it in its package, where it would hide a function of the same name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return export(*args, **kwargs)


_CallableModule.__call__.__doc__ = export.__doc__
sys.modules[__name__].__class__ = _CallableModule
