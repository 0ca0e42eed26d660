"""A plain model in one `.h5` file, which tells of its heads."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from mtlzoo import __version__
from mtlzoo.heads import Head, serialize
from mtlzoo.models.older_keras import written_for_older_keras

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel

KEY = "mtlzoo"
WEIGHTS = f"{KEY}_weights"
HEADS = f"{KEY}_heads"
ROOM = 60_000  # letters of an attribute; HDF5 takes no more than 64 kB


def describe(model: MultiTaskModel) -> str:
    """What a file tells of the heads, of how images come to the model's size, and of what was fitted: a JSON text."""
    content = {"version": __version__, "resize": model.resize, "heads": serialize(model.heads)}
    if model.calibration:
        content["calibration"] = model.calibration.get_config()
    return json.dumps(content)


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, and the metadata and a checksum of the weights as attributes of the file.

    It comes to be in memory: where a disk is full, HDF5 takes the whole process down (https://github.com/h5py/h5py/issues/914).
    """
    import h5py

    class InMemory(h5py.File):
        """Which Keras takes for a path, by its end."""

        def __str__(self) -> str:
            return "memory.h5"

    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # Keras warns of the format that was asked for
    try:
        with warnings.catch_warnings():
            # TensorFlow's own arrays do not know the `copy` that numpy 2 wants: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
            warnings.filterwarnings(
                "ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning
            )
            with InMemory("memory.h5", "w", driver="core", backing_store=False) as file:
                with written_for_older_keras(model):
                    keras.Model.save(model, file, include_optimizer=False)
                file.attrs[KEY] = metadata
                file.attrs[WEIGHTS] = weights_digest(model)
                file.flush()
                content = file.id.get_file_image()
    finally:
        logger.setLevel(level)
    path.write_bytes(content)


def note_heads(path: Path, heads: Mapping[str, Head]) -> None:
    """Write the names of the heads into a file of weights, where there is room for them."""
    import h5py

    names = json.dumps(list(heads))
    if len(names) <= ROOM:
        with h5py.File(path, "a") as file:
            file.attrs[HEADS] = names


def noted_heads(path: Path) -> list[str] | None:
    """The names of the heads that a file of weights was written from; `None` if it does not tell."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names = json.loads(file.attrs[HEADS])
    except (OSError, KeyError, ValueError, TypeError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def weights_digest(model: keras.Model) -> str:
    """A checksum of all weights, in whatever order they come."""
    parts = []
    for weight in model.weights:
        values = np.ascontiguousarray(weight)
        parts.append(
            hashlib.blake2b(f"{values.shape} {values.dtype}".encode() + values.tobytes(), digest_size=16).digest()
        )
    return hashlib.blake2b(b"".join(sorted(parts)), digest_size=16).hexdigest()
