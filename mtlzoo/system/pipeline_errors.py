"""Errors of Python functions in a `tf.data` pipeline, as they were raised.

TensorFlow runs such functions in threads of its own, and tells of what they raise in pages of text. So the errors are kept
beside the pipeline, and whoever reads batches gets the object itself, with its class and its attributes.
"""

from __future__ import annotations

import functools
import sys
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import tensorflow as tf

Result = TypeVar("Result")
KEPT = 256  # more than there are batches that are loaded at the same time, each of which may raise one

_open_blocks: list[PipelineErrors] = []


class PipelineErrors:
    """The last errors of a pipeline's functions."""

    def __init__(self) -> None:
        self._errors: deque[Exception] = deque(maxlen=KEPT)

    def keep(self, function: Callable[..., Result]) -> Callable[..., Result]:
        """The function, whose errors are kept here and in every open block of :func:`plain_errors`."""

        @functools.wraps(function)
        def call(*arguments: Any) -> Result:
            try:
                return function(*arguments)
            except Exception as error:
                _release_batches(error)
                for errors in (self, *_open_blocks):
                    errors._errors.append(error)
                raise

        return call

    def origin(self, error: Exception) -> Exception | None:
        """The kept error that another one tells of, `None` where it tells of none.

        Batches are loaded side by side, so that several errors may be kept: TensorFlow reports that of the first batch, and
        quotes its message.
        """
        if error in self._errors:
            return None
        told = str(error)
        quoted = [kept for kept in self._errors if str(kept) and str(kept) in told]
        if quoted:
            return quoted[-1]
        return self._errors[-1] if self._errors and _is_of_tensorflow(error) else None

    def raised_by(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Let a loop over a dataset raise the kept errors.

        Its iterators do. A dataset that is made of it by `map`, `take` and the like does not: read that in a
        block of :func:`plain_errors`.
        """
        _override(dataset, "__iter__", _iterate)
        dataset._mtlzoo_errors = self
        return dataset


def foreign(error: Exception) -> Exception:
    """What to raise for an error in a process whose errors are sent to another one.

    There it is itself again, and kept in every open block of :func:`plain_errors`.

    Args:
        error: The error; it can be pickled.
    """
    return _ForeignError(error)


class _ForeignError(Exception):
    def __init__(self, error: Exception):
        super().__init__(error)
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (self.error,)


def _arrived(error: Exception) -> Exception:
    for errors in _open_blocks:
        errors._errors.append(error)
    return error


@contextmanager
def plain_errors() -> Iterator[None]:
    """Raise what a pipeline's functions raise in a block as it is, not as what TensorFlow makes of it.

    Example:

    ```python
    from mtlzoo.system.pipeline_errors import PipelineErrors, plain_errors

    def load(row):
        raise KeyError("no such row")

    try:
        with plain_errors():
            try:
                PipelineErrors().keep(load)(1)
            except KeyError as error:  # as TensorFlow does
                raise RuntimeError(f"{error} [[node PyFunc]]")
    except KeyError as error:
        print(error.args)
    ```
    """
    block = PipelineErrors()
    _open_blocks.append(block)
    try:
        yield
    except Exception as error:
        origin = block.origin(error)
        if origin is None:
            raise
        raise origin from origin.__cause__
    finally:
        _open_blocks[:] = [other for other in _open_blocks if other is not block]


_subclasses: dict[type, type] = {}


def _override(value: Any, name: str, make: Callable[[type], Callable[..., Any]]) -> None:
    """Give one object a special method of its own, which Python looks up in classes alone: the object gets a subclass.

    Args:
        value: The object.
        name: The name of the method, the same for all objects of a class.
        make: From the class to the method.
    """
    kind = type(value)
    if kind not in _subclasses:
        body = {"__module__": kind.__module__, name: make(kind)}
        _subclasses[kind] = types.new_class(kind.__name__, (kind,), exec_body=lambda namespace: namespace.update(body))
    value.__class__ = _subclasses[kind]


def _iterate(kind: Any) -> Callable[..., Any]:
    def iterate(self: Any) -> Any:
        iterator = kind.__iter__(self)
        if hasattr(iterator, "get_next") and sys.modules["tensorflow"].executing_eagerly():
            _override(iterator, "__next__", _advance)
            iterator._mtlzoo_errors = self._mtlzoo_errors
        return iterator

    return iterate


def _advance(kind: Any) -> Callable[..., Any]:
    def advance(self: Any) -> Any:
        try:
            return kind.__next__(self)
        except StopIteration:
            raise
        except Exception as error:
            origin = self._mtlzoo_errors.origin(error)
            if origin is None:
                raise
            raise origin from origin.__cause__

    return advance


def _release_batches(error: BaseException | None) -> None:
    """The variables of the functions that an error came through would keep whole batches in memory."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _is_of_tensorflow(error: Exception) -> bool:
    return "tensorflow" in sys.modules and isinstance(error, sys.modules["tensorflow"].errors.OpError)
