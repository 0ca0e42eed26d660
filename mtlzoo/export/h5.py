"""The `.h5` file of Keras: one HDF5 file with graph and weights."""

from __future__ import annotations

from pathlib import Path

from mtlzoo.models.h5_file import KEY, write

__all__ = ["read_metadata", "write"]


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
