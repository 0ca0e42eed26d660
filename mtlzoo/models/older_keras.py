"""Graphs that older releases of Keras read too: an exported file runs where another Keras is installed.

A release that gives a layer one more argument writes it into every file, and those before refuse the file for it, although
it says nothing: `GlorotUniform.__init__() got an unexpected keyword argument 'input_axes'`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

ADDED: dict[str, Any] = {
    "input_axes": None,  # random initializers
    "output_axes": None,
    "quantization_config": None,  # Dense, EinsumDense, Embedding
    "renorm": False,  # BatchNormalization
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "optional": False,  # InputLayer
    "use_gate": False,  # MultiHeadAttention
    "sliding_window": None,
}
"""Arguments that classes of Keras have got since 3.10, and the defaults, which mean what was before."""


def for_older_keras(config: Any) -> Any:
    """A graph's configuration without newer arguments that have their defaults.

    Args:
        config: What `get_config` gives, nested dictionaries and lists.

    Returns:
        Another one; what does not belong to Keras itself is as it was.
    """
    if isinstance(config, list | tuple):
        return type(config)(map(for_older_keras, config))
    if not isinstance(config, dict):
        return config
    found = {name: for_older_keras(value) for name, value in config.items()}
    own = found.get("config")
    if isinstance(own, dict) and _is_of_keras(found):
        found["config"] = {name: value for name, value in own.items() if not _says_nothing(name, value)}
    return found


@contextmanager
def written_for_older_keras(model: keras.Model) -> Iterator[None]:
    """The model describes itself so, while it is written."""
    describe = model.get_config
    object.__setattr__(model, "get_config", lambda: for_older_keras(describe()))
    try:
        yield
    finally:
        object.__delattr__(model, "get_config")


def _is_of_keras(entry: dict[str, Any]) -> bool:
    """Whether an entry is an object of Keras' own; those of layers name no module in an `.h5` file."""
    module = entry.get("module")
    if isinstance(module, str):
        return module.split(".")[0] == "keras"
    return isinstance(name := entry.get("class_name"), str) and hasattr(keras.layers, name)


def _says_nothing(name: str, value: Any) -> bool:
    return name in ADDED and type(value) is type(ADDED[name]) and value == ADDED[name]
