"""What the features of a table follow from, as one checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import cv2
import keras
import numpy as np

from mtlzoo import __version__
from mtlzoo.data import Table
from mtlzoo.data.content import file_digests
from mtlzoo.images.augmentation import augmentation


def weights_digest(network: keras.Model) -> bytes:
    """A checksum over all weights."""
    digest = hashlib.blake2b(digest_size=16)
    for weight in network.weights:
        values = np.ascontiguousarray(weight)
        digest.update(f"{values.shape} {values.dtype}".encode())
        digest.update(values.tobytes())
    return digest.digest()


def features_digest(trunk: keras.Model, table: Table, reading: Mapping[str, Any], views: int) -> str:
    """A checksum over the network up to the cut, its weights, the bytes of every image, and how they are read.

    Args:
        trunk: From images to features.
        table: The rows.
        reading: The arguments of :func:`mtlzoo.data.image_dataset` that the table is read with.
        views: How many epochs are looked at.

    Raises:
        TableError: If a file cannot be read; it names the row.
    """
    chosen = augmentation(reading.get("augment"))
    unrelated = {"batch_size", "cache", "sample_weight", "augment", *(() if chosen else ("seed", "shuffle"))}
    settings = {name: repr(value) for name, value in reading.items() if name not in unrelated}
    versions = [__version__, keras.__version__, cv2.__version__]
    network = _numbered(trunk.get_config(), {})
    facts = [versions, network, settings, repr(chosen), views, table.regions()]
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
