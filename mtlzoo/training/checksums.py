"""One checksum over everything that the features of a table depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import cv2
import keras
import numpy as np

from mtlzoo import __version__
from mtlzoo.data import LabelTable
from mtlzoo.data.content import file_digests
from mtlzoo.data.pipeline import PipelineSettings
from mtlzoo.images.augmentation import augmentation


def weights_digest(network: keras.Model) -> bytes:
    """A checksum over all weights."""
    digest = hashlib.blake2b(digest_size=16)
    for weight in network.weights:
        values = np.ascontiguousarray(weight)
        digest.update(f"{values.shape} {values.dtype}".encode())
        digest.update(values.tobytes())
    return digest.digest()


def features_digest(trunk: keras.Model, table: LabelTable, settings: PipelineSettings, views: int) -> str:
    """A checksum over the network up to the features, its weights, the bytes of every image, and how they are read.

    Args:
        trunk: From images to features.
        table: The rows.
        settings: How the rows become batches.
        views: How many augmented views of each image there are.

    Raises:
        TableError: If a file cannot be read; it names the row.
    """
    chosen = augmentation(settings.augment)
    names = ["image_size", "resize", "channels", *(("seed", "shuffle") if chosen else ())]
    related = {name: repr(getattr(settings, name)) for name in names}
    versions = [__version__, keras.__version__, cv2.__version__]
    network = _numbered(trunk.get_config(), {})
    facts = [versions, network, related, repr(chosen), views, table.regions()]
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True, default=repr).encode(), digest_size=16)
    digest.update(weights_digest(trunk))
    for content in file_digests(table):
        digest.update(content)
    return digest.hexdigest()


def _numbered(config: Any, numbers: dict[str, int]) -> Any:
    """A network's description with numbers for the names of layers, which Keras counts on from network to network."""
    if isinstance(config, Mapping):
        return {
            key: numbers.setdefault(value, len(numbers)) if key == "name" else _numbered(value, numbers)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        if [type(part) for part in config] == [str, int, int]:  # a layer, and which of its outputs
            return [numbers.setdefault(config[0], len(numbers)), *config[1:]]
        return [_numbered(part, numbers) for part in config]
    return config
