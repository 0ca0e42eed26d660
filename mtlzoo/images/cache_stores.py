"""Where decoded images are kept: a dictionary, or a folder of files that are mapped into memory."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from mtlzoo.files import is_temporary, remove_leftovers, writing
from mtlzoo.files.regular import open_regular
from mtlzoo.system.memory import free_memory

# An image with the (height, width) of the whole, and what it is known by: the hash of its file, how it was asked for, and
# which part of it.
Image = tuple[np.ndarray, tuple[int, int]]
Key = tuple[bytes, str, str]

# Magic bytes, with a number that has to change whenever `decode_with_size` or `fit_image` give other pixels, (height, width)
# as kept, (height, width) of the whole image, and the CRC-32 of the pixels and all that.
HEADER = struct.Struct("<8s4I4xI")
MAGIC = b"mtlzoo1\n"


class Memory:
    """Images of this process."""

    def __init__(self) -> None:
        self._images: dict[Key, Image] = {}

    def used_bytes(self) -> int:
        """Bytes kept already."""
        return 0

    def free_bytes(self) -> int:
        """Bytes for which there is room."""
        return free_memory()

    def get(self, key: Key) -> Image | None:
        """An image, or `None` where it is not kept, or not as it was written."""
        return self._images.get(key)

    def put(self, key: Key, decoded: Image) -> None:
        """Keep an image."""
        decoded[0].flags.writeable = False
        self._images[key] = decoded


class Folder:
    """Images of all processes, a file each, which is mapped into memory and read no further than it is needed."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"Expected a folder to keep decoded images in, received a file: {folder}.")
        # Another version of OpenCV may round differently.
        self.folder = folder / f"decoded-{MAGIC[6:7].decode()}-opencv-{cv2.__version__}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def used_bytes(self) -> int:
        """Bytes kept already. What killed processes have left half-written is removed."""
        total = 0
        for folder, folders, names in os.walk(self.folder):
            if any(map(is_temporary, folders)):
                remove_leftovers(folder)
                folders[:] = [name for name in folders if not is_temporary(name)]
            for name in names:
                with suppress(OSError):  # another process may have replaced it
                    total += os.stat(os.path.join(folder, name)).st_size
        return total

    def free_bytes(self) -> int:
        """Bytes for which there is room."""
        return shutil.disk_usage(self.folder).free

    def get(self, key: Key) -> Image | None:
        """An image, or `None` where it is not kept, or not as it was written."""
        try:
            with open_regular(self._path(key)) as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # None there, or an empty file.
            return None
        if len(mapped) < HEADER.size:
            return None
        magic, height, width, *whole, check = HEADER.unpack_from(mapped)
        if magic != MAGIC or len(mapped) == HEADER.size or len(mapped) != HEADER.size + height * width * 3:
            return None
        image = np.frombuffer(mapped, np.uint8, offset=HEADER.size).reshape(height, width, 3)
        return (image, (whole[0], whole[1])) if check == _checksum(image, tuple(whole)) else None

    def put(self, key: Key, decoded: Image) -> None:
        """Keep an image."""
        image, whole = np.ascontiguousarray(decoded[0]), decoded[1]
        # Its name, a hash, says that an entry there is one of the cache's own.
        path = self._path(key)
        with writing(path, overwrite=True, tidy=False) as temporary, open(temporary, "wb") as file:
            file.write(HEADER.pack(MAGIC, *image.shape[:2], *whole, _checksum(image, whole)))
            file.write(image.data)

    def _path(self, key: Key) -> str:
        digest = key[0].hex()
        return f"{self.folder}/{key[1]}/{digest[:2]}/{digest}{key[2]}"  # a folder a part would be as many as there are boxes


def _checksum(image: np.ndarray, whole: tuple[int, ...]) -> int:
    return zlib.crc32(image.data, zlib.crc32(struct.pack("<4I", *image.shape[:2], *whole)))
