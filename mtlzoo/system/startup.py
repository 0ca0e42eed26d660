"""Load TensorFlow without its start-up chatter, and do something once Keras is there."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from mtlzoo.system import workers

PACKAGE = __name__.partition(".")[0]
LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def load_quietly() -> None:
    """Import Keras and find the devices, with standard error held back as :func:`quieten` holds it back."""
    with held_back():
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            workers.join()
            tf.config.list_logical_devices()


def quieten(module: str) -> None:
    """Hold standard error back while a module is loaded, whoever loads it, unless it has been loaded already.

    TensorFlow's libraries print a dozen lines about their build and about absent GPUs before any log level counts
    (https://github.com/tensorflow/tensorflow/issues/100442), so that a program's own one-line message would drown. If
    loading fails, what was held back is printed. Nothing is held back where the environment variable
    `TF_CPP_MIN_LOG_LEVEL` is 0, which asks for all of it; where it is not set, it is 3 from then on, so that errors are
    exceptions of Python and no lines besides.

    Args:
        module: The name of the module.
    """
    if module not in sys.modules:
        sys.meta_path.insert(0, _Watch(module, around=held_back))


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Hold standard error back while something runs, also what TensorFlow prints past `sys.stderr`; see :func:`quieten`."""
    if os.environ.setdefault(LOG_LEVEL, "3") == "0":
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # a process without standard error, such as a service
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def once_loaded(module: str, then: Callable[[], Any]) -> None:
    """Do something now if a module is loaded, else when another package than mtlzoo has loaded it.

    Args:
        module: The name of the module.
        then: What to do. It is left out where a module of mtlzoo loads that module in its own course, which what is to be
            done may need whole.
    """
    if sys.modules.get(module) is not None:  # which is `None` where somebody forbids it
        then()
    else:
        sys.meta_path.insert(0, _Watch(module, then))


class _Watch(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Comes before all finders until the module is loaded, and loads as they do."""

    def __init__(
        self,
        module: str,
        then: Callable[[], Any] = lambda: None,
        around: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ):
        self.module, self.then, self.around = module, then, around
        self.asking = False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """What the others find, with this loader around theirs."""
        if fullname != self.module or self.asking:
            return None
        self.asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.asking = False
        if spec is None or spec.loader is None:
            return spec
        self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: Any) -> Any:
        """As the other loader does."""
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Load as the other loader does, then do what was asked."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        module.__spec__.loader = module.__loader__ = self.loader
        with self.around():
            self.loader.exec_module(module)
        if not any(_loading(name) for name in list(sys.modules) if name.partition(".")[0] == PACKAGE):
            self.then()


def _loading(name: str) -> bool:
    return getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False)
