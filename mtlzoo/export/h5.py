"""The `.h5` file of Keras: one HDF5 file with graph and weights."""

from __future__ import annotations

import logging
from pathlib import Path

import keras

from mtlzoo.export.metadata import KEY


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, and the metadata as an attribute of the file."""
    import h5py

    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # Keras warns of the format that was asked for
    try:
        model.save(path, include_optimizer=False)
    finally:
        logger.setLevel(level)
    with h5py.File(path, "a") as file:
        file.attrs[KEY] = metadata


def read_metadata(path: Path) -> str | None:
    """The metadata of a file.

    Raises:
        ValueError: If it is no HDF5 file with a model.
    """
    import h5py

    if not h5py.is_hdf5(path):
        raise ValueError(f"{path} is no HDF5 file.")
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise ValueError(f"{path} holds no model, perhaps weights only.")
        return file.attrs.get(KEY)
