"""Old spellings that keep working for a while."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def renamed_arguments(**names: str) -> Callable[[Function], Function]:
    """Let a function be called with the old names of its arguments, with a `DeprecationWarning`.

    Args:
        **names: The new name for each old one.

    Returns:
        A decorator. A call with both names of one argument raises a `TypeError`, as Python does for one given twice.

    Example:

    ```python
    from mtlzoo.system.deprecation import renamed_arguments

    @renamed_arguments(cut="feature_layer")
    def build(feature_layer=None):
        return feature_layer
    ```
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs.keys():
                warnings.warn(
                    f"{function.__qualname__}: `{old}` is called `{names[old]}` now; the old name will go with version 1.0.",
                    DeprecationWarning,
                    stacklevel=2,
                )
                if names[old] in kwargs:
                    raise TypeError(
                        f"{function.__qualname__}() got both {old!r} and {names[old]!r}, which is its new name"
                    )
                kwargs[names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        call.renamed = dict(names)  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def with_new_names(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments from an older file under the names that a function has for them now."""
    names = getattr(function, "renamed", {})
    return {names.get(name, name): value for name, value in arguments.items()}
