"""Objects that never change after their constructor, and that are described by its arguments."""

from __future__ import annotations

import copy
import inspect
from abc import ABCMeta
from typing import Any, Self

from mtlzoo.system.deprecation import with_new_names


class FrozenAfterInit(ABCMeta):
    """The type of classes whose objects are frozen once their constructor, that of any subclass, has returned."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object and freeze it."""
        made = super().__call__(*args, **kwargs)
        object.__setattr__(made, "_frozen", True)
        return made

    @property
    def __signature__(cls) -> inspect.Signature:
        """The constructor's, which `inspect.signature` would not look for behind :meth:`__call__`."""
        constructor = next(vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base))
        signature = inspect.signature(constructor)
        return signature.replace(parameters=list(signature.parameters.values())[1:])


class Immutable(metaclass=FrozenAfterInit):
    """An object that can be shared without copies: its constructor sets attributes as usual, nothing else can.

    Every argument of the constructor is kept as an attribute of the same name, in plain JSON values: two objects of one
    class are equal if these are.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse_change(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._refuse_change(name)
        super().__delattr__(name)

    def _refuse_change(self, name: str) -> None:
        if "_frozen" in vars(self):
            kind = type(self).__name__
            raise AttributeError(
                f"Expected no change of {name!r}, since a {kind} is immutable and may be shared by tables and models: "
                f"make a new head, such as {kind}.from_config({{**head.get_config(), {name!r}: ...}})."
            )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def _with(self, **attributes: Any) -> Self:
        """A new object that differs in some attributes, which are not checked; for what was computed, not given."""
        made = object.__new__(type(self))
        vars(made).update({**vars(self), **attributes})
        return made

    # === Config ===

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as new plain JSON values."""
        names = [
            parameter.name
            for cls in type(self).__mro__
            if "__init__" in vars(cls) and issubclass(cls, Immutable)
            for parameter in inspect.signature(cls.__init__).parameters.values()
            if parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD
        ]
        return {name: copy.deepcopy(getattr(self, name)) for name in dict.fromkeys(names)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The object that `get_config` describes."""
        return cls(**with_new_names(cls.__init__, config))

    def with_settings(self, **settings: Any) -> Self:
        """A new object with other arguments of the constructor, which checks them."""
        return self.from_config({**self.get_config(), **settings})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((type(self), repr(self.get_config())))

    def __repr__(self) -> str:
        defaults = {
            parameter.name: parameter.default
            for cls in reversed(type(self).__mro__)
            if "__init__" in vars(cls) and issubclass(cls, Immutable)
            for parameter in inspect.signature(cls.__init__).parameters.values()
        }
        told = {
            name: value
            for name, value in self.get_config().items()
            if value != defaults.get(name) and not (value == [] and defaults.get(name) == ())
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in told.items())})"
