"""A registry: everything of one kind by its name, what the package brings and what other packages add."""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from mtlzoo.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
E = TypeVar("E")


class Registry(MutableMapping[str, T], Generic[T]):
    """Entries by name. One that is written as `"module:attribute"` is loaded when it is looked up, and not before.

    Other packages add entries by an entry point of the registry's group, whose name is that of the entry; see
    `docs/guides/plugins.md`. They are found when a name is looked up that the package itself does not have, or when all
    names are listed. A plug-in that cannot be loaded raises :class:`mtlzoo.errors.PluginError` when it is asked for by
    name; where all entries are gone through it is left out, with a warning that names its package.

    Args:
        noun: What an entry is called in messages, such as `"backbone"`.
        entries: The package's own entries, in the order in which they are listed.
        group: The group of entry points; `None` if there are no plug-ins of this kind.
        alias: Another name that an entry is found by, such as that of its class.
        parent: A registry whose entries are this one's too, after its own.

    Example:

    ```python
    from mtlzoo.system.registry import Registry

    shapes = Registry("shape", {"circle": 1})

    @shapes.register("triangle")
    def triangle():
        return 3

    assert list(shapes) == ["circle", "triangle"]
    assert shapes.find("Circle") == 1
    ```
    """

    def __init__(
        self,
        noun: str,
        entries: Mapping[str, T | str] | None = None,
        *,
        group: str | None = None,
        alias: Callable[[T], str] | None = None,
        parent: Registry[T] | None = None,
    ):
        self.noun = noun
        self.one = _one(noun)
        self.group = group
        self.alias = alias
        self.parent = parent
        self._entries: dict[str, T | str] = dict(entries or {})
        self._found: dict[str, EntryPoint] | None = None
        self._loaded: dict[str, T] = {}
        self._broken: dict[str, str] = {}

    # === Adding ===

    @overload
    def register(self, name: str, entry: E) -> E: ...

    @overload
    def register(self, name: str) -> Callable[[E], E]: ...

    def register(self, name: str, entry: Any = None) -> Any:
        """Add an entry: `registry.register(name, entry)`, or `@registry.register(name)` above a class or a function.

        Args:
            name: Its name.
            entry: The entry.

        Returns:
            The entry.

        Raises:
            ValueError: If the name is no text, or another entry has it.
        """
        if entry is None:
            return lambda decorated: self.register(name, decorated)
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"Expected the name of {self.one} as a text, received: {name!r}.")
        if name in self._entries and self._entries[name] is not entry:
            raise ValueError(f"Expected a new name for {self.one}, received: {name!r}, which another one has.")
        self._entries[name] = entry
        return entry

    def __setitem__(self, name: str, entry: T) -> None:
        self.register(name, entry)

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    # === Looking up ===

    def find(self, name: str) -> T:
        """The entry of a name; case, underscores, hyphens and spaces make no difference.

        Raises:
            ValueError: If there is none; the message lists the nearest names and all valid ones.
            PluginError: If it is a plug-in that cannot be loaded.
        """
        return self[self.full_name(name)]

    @overload
    def resolve(self, identifier: Any, kind: type[T]) -> T: ...

    @overload
    def resolve(self, identifier: Any, kind: type[T], *, optional: bool) -> T | None: ...

    def resolve(self, identifier: Any, kind: type[T], *, optional: bool = False) -> T | None:
        """The entry that is meant by an argument.

        Args:
            identifier: An entry, or the name of one in any spelling.
            kind: The class of all entries.
            optional: Whether `None`, for none, is returned as it is.

        Raises:
            ValueError: If there is no entry of this name; the message lists the nearest names and all valid ones.
            TypeError: If it is neither.
            PluginError: If it is a plug-in that cannot be loaded.
        """
        if isinstance(identifier, kind) or (optional and identifier is None):
            return identifier
        if isinstance(identifier, str):
            return self.find(identifier)
        raise TypeError(
            f"Expected the name of {self.one} ({', '.join(self.names())}) or {_one(kind.__name__)}"
            f"{', or None' if optional else ''}, received: {identifier!r}."
        )

    def full_name(self, name: str) -> str:
        """The name as the registry has it, of a name in any spelling.

        Raises:
            ValueError: If there is no such entry.
        """
        if name in self._entries:
            return name
        wanted, names = _plain(str(name)), {}
        for known in reversed(self.names()):
            names[_plain(known)] = known
        if wanted in names:
            return names[wanted]
        if self.alias is not None:
            for known, entry in self.items():
                if _plain(self.alias(entry)) == wanted:
                    return known
        close = [names[key] for key in difflib.get_close_matches(wanted, names, n=3)]
        hint = f" Did you mean {', '.join(map(repr, close))}?" if close else ""
        raise ValueError(
            f"Expected the name of {self.one}, received: {name!r}.{hint} Valid names: {', '.join(self.names())}."
        )

    def names(self, plugins: bool = True) -> list[str]:
        """All names in order, without loading any entry.

        Args:
            plugins: Whether those of plug-ins are among them, after the package's own.
        """
        names = list(self._entries)
        if self.parent is not None:
            names += self.parent.names(plugins)
        return list(dict.fromkeys([*names, *(self._entry_points() if plugins else ())]))

    def matching(self, pattern: str) -> list[str]:
        """The names that match a shell pattern with `*`, `?` and `[...]`, in order, without loading any entry.

        Case, underscores and hyphens make no difference.
        """
        # A hyphen inside brackets is a range.
        pattern = re.sub(r"(\[[^\]]*\])|[_-]", lambda found: found.group(1) or "", pattern.lower())
        return [name for name in self.names() if fnmatch.fnmatchcase(_plain(name), pattern)]

    def name_of(self, entry: T) -> str | None:
        """The name of an entry, `None` if it is not registered."""
        return next((name for name, known in self.items() if known is entry), None)

    # === As a mapping ===

    def __getitem__(self, name: str) -> T:
        if name in self._entries:
            entry = self._entries[name]
            if isinstance(entry, str):
                module, _, attribute = entry.partition(":")
                entry = self._entries[name] = cast(T, getattr(importlib.import_module(module), attribute))
            return entry
        if self.parent is not None and name in self.parent:
            return self.parent[name]
        point = self._entry_points().get(name)
        if point is None:
            raise KeyError(name)
        return self._load(name, point)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._entries or name in self.names())

    def __iter__(self) -> Iterator[str]:
        for name in self.names():
            try:
                self[name]
            except PluginError as error:
                warnings.warn(str(error), stacklevel=2)
                continue
            yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<registry of {self.noun}: {', '.join(self.names())}>"

    # === Plug-ins ===

    def _entry_points(self) -> dict[str, EntryPoint]:
        """The entry points of the group by name, looked for once."""
        if self._found is None:
            self._found = {}
            if self.group is not None:
                from importlib.metadata import entry_points  # not before: it costs as much as all the rest

                for point in sorted(entry_points(group=self.group), key=lambda point: (point.name, _package(point))):
                    first = self._found.get(point.name)
                    if point.name in self._entries or first is not None:
                        owner = "mtlzoo" if first is None else _package(first)
                        warnings.warn(
                            f"The package {_package(point)!r} brings {self.one} {point.name!r}, which {owner} has "
                            "already: it is left out.",
                            stacklevel=2,
                        )
                        continue
                    self._found[point.name] = point
        return self._found

    def _load(self, name: str, point: EntryPoint) -> T:
        if name in self._loaded:
            return self._loaded[name]
        if name not in self._broken:
            try:
                self._loaded[name] = cast(T, point.load())
                return self._loaded[name]
            except Exception as error:  # whatever somebody else's module raises
                self._broken[name] = (
                    f"The {self.noun} {name!r} of the package {_package(point)!r} cannot be loaded "
                    f"({point.value}: {type(error).__name__}: {' '.join(str(error).split())[:200]}); mend or uninstall it."
                )
        raise PluginError(self._broken[name])


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value.partition(".")[0]


def _plain(name: str) -> str:
    return re.sub(r"[_\-\s]", "", name.lower())


def _one(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"
