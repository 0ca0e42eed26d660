"""Tables of labelled images: reading, splitting, batches. Readers of published sets come from `mtlzoo.datasets`."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from mtlzoo.data.conditions import find_conditions
from mtlzoo.data.content import split_by_content
from mtlzoo.data.corrections import apply_corrections
from mtlzoo.data.dataset import image_dataset
from mtlzoo.data.folders import read_folders
from mtlzoo.data.inference import infer_head
from mtlzoo.data.mixing import Mixing
from mtlzoo.data.packing import pack, read_packed
from mtlzoo.data.splitting import split
from mtlzoo.data.table import LabelTable
from mtlzoo.data.tabular import read_csv
from mtlzoo.errors import ImageError, TableError
from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.caching import ImageCache
from mtlzoo.images.checking import check_images, same_content
from mtlzoo.images.decoding import decode_image
from mtlzoo.images.loading import load_image
from mtlzoo.images.pixel_limit import set_max_pixels

if TYPE_CHECKING:
    from mtlzoo.datasets import (
        FASHIONAI_ATTRIBUTES,
        FORMATS,
        MAKERS,
        make_faces,
        make_fashionai,
        make_shapes,
        read_fashionai,
        read_mtfl,
        read_shapes,
        read_utkface,
        shapes_dataset,
    )

# What has rooms above this one, and is known by this name too.
_OF_DATASETS = (
    *("FASHIONAI_ATTRIBUTES", "FORMATS", "MAKERS", "make_faces", "make_fashionai", "make_shapes", "read_fashionai"),
    *("read_mtfl", "read_shapes", "read_utkface", "shapes_dataset"),
)

__all__ = [
    "FASHIONAI_ATTRIBUTES",
    "FORMATS",
    "MAKERS",
    "Augmentation",
    "ImageCache",
    "ImageError",
    "LabelTable",
    "Mixing",
    "TableError",
    "apply_corrections",
    "check_images",
    "decode_image",
    "find_conditions",
    "image_dataset",
    "infer_head",
    "load_image",
    "make_faces",
    "make_fashionai",
    "make_shapes",
    "pack",
    "read_csv",
    "read_fashionai",
    "read_folders",
    "read_mtfl",
    "read_packed",
    "read_shapes",
    "read_utkface",
    "same_content",
    "set_max_pixels",
    "shapes_dataset",
    "split",
    "split_by_content",
]


def __getattr__(name: str) -> Any:
    """Published sets are loaded when they are asked for (PEP 562): their rooms stand on this one."""
    if name == "Table":
        warnings.warn(
            "mtlzoo.data.Table is called `LabelTable` now; the old name will go with version 1.0.",
            DeprecationWarning,
            stacklevel=2,
        )
        return LabelTable
    if name not in _OF_DATASETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("mtlzoo.datasets"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
