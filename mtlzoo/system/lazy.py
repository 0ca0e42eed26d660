"""Modules that are loaded when something of them is first used: heads read predictions where there is no Keras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class LazyModule(ModuleType):
    """Stands for a module, and loads it for the first attribute that is asked for.

    Unlike `importlib.util.LazyLoader` it can stand for one that is not installed, and leaves `sys.modules` alone.

    Args:
        name: The full name of the module.

    Example:

    ```python
    from mtlzoo.system.lazy import LazyModule

    layers = LazyModule("keras.layers")  # loads nothing
    ```
    """

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)  # found at once from now on
        return value
