"""The `.h5` file of Keras: one HDF5 file with graph and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from mtlzoo.errors import ModelFileError
from mtlzoo.models.h5_file import KEY, WEIGHTS, weights_digest, write
from mtlzoo.saving.formats import ExportFormat
from mtlzoo.saving.keras_file import open_plain
from mtlzoo.saving.validation import check_graph

__all__ = ["FORMAT", "check_weights", "read_metadata", "write"]

FORMAT = ExportFormat(".h5", write, exact_suffix=True, layers="builtin", open=open_plain)

MAX_DEPTH, MAX_OBJECTS = 64, 1_000_000
# How much larger the arrays may be than the file: packed ones, as other programs write, are a few times as large.
ROOM, RATIO = 64 * 2**20, 50


def read_metadata(path: Path, trusted: bool = False) -> str | None:
    """The metadata of a file, after all of the file has been looked through.

    Raises:
        ModelFileError: It is no HDF5 file with a model, is damaged, leads to other files, claims more than it can hold,
            or holds code and is not trusted.
    """
    import h5py

    if not h5py.is_hdf5(path):
        raise ModelFileError(f"{path} is no HDF5 file: damaged, empty, or of another format.")
    try:
        with h5py.File(path, "r") as file:
            _check_objects(file, path)
            if "model_config" not in file.attrs:
                raise ModelFileError(
                    f"{path} holds no model, perhaps weights only: load those into a model that is built already."
                )
            check_graph(_text(file.attrs["model_config"]), path, trusted)
            found = file.attrs.get(KEY)
            return None if found is None else _text(found)
    except ModelFileError:
        raise
    except Exception as error:  # HDF5 raises whatever a damaged file makes it stumble over.
        raise ModelFileError(
            f"{path} is a damaged HDF5 file ({type(error).__name__}); copy or export it again."
        ) from None


def check_weights(graph: keras.Model, path: Path) -> None:
    """Refuse a file whose weights are not those that were written: HDF5 has no checksums of its own.

    Raises:
        ModelFileError: They are others.
    """
    import h5py

    with h5py.File(path, "r") as file:
        written = file.attrs.get(WEIGHTS)
    if written is not None and _text(written) != weights_digest(graph):
        raise ModelFileError(
            f"{path} is damaged: its weights are not those that were written; copy or export it again."
        )


def _check_objects(file: Any, path: Path) -> None:
    import h5py

    left, seen, size = [(file, 0)], set(), 0
    while left:
        group, depth = left.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ModelFileError(
                    f"{path} leads to another file or place ({type(link).__name__}), which no model file does."
                )
            part = group[name]
            address = h5py.h5o.get_info(part.id).addr
            if address in seen:
                continue
            seen.add(address)
            if depth > MAX_DEPTH or len(seen) > MAX_OBJECTS:
                raise ModelFileError(f"{path} is nested more deeply, or has more parts, than any model file.")
            if isinstance(part, h5py.Group):
                left.append((part, depth + 1))
            elif isinstance(part, h5py.Dataset):
                if part.external or part.is_virtual:
                    raise ModelFileError(f"{path} keeps numbers in other files, which no model file does.")
                size += part.size * part.dtype.itemsize if part.size else 0
    limit = ROOM + RATIO * path.stat().st_size
    if size > limit:
        raise ModelFileError(f"{path} claims to hold {size:,} bytes of weights, more than a file of its size can.")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
