"""What the images of a training are like, by which a network tells how unlike them another image is.

The features that all heads share, scaled to length 1 (Müller and Hein 2025, "Mahalanobis++"), lie near a few directions for
images such as those of the training. What lies outside of these directions is the distance of an image (the residual of
Wang et al. 2022, "ViM"). `scripts/unusual_images.py` compares it with other measures.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlzoo.heads.texts import value_text

UNUSUAL = 0.99
"""From here up an image is called unusual: one in a hundred of those that are like the validation images."""
DIRECTIONS = 32  # at most; more are not much better, and a file grows by them
EXPLAINED = 0.95  # of the variance at most, so that something lies outside of the directions
KEPT = 500  # distances of validation images
DISTANCE = "distance from known images"
"""What a network that tells it calls the distance, beside the outputs of heads."""
KINDS = {"mean": "<f2", "directions": "<i1", "scales": "<f4", "distances": "<f4"}


@dataclass(frozen=True, eq=False, repr=False)
class KnownImages:
    """The features of training images in short, and how far validation images lie from them.

    Attributes:
        mean: That of the training images' features, float16 `(channels,)`.
        directions: Those in which these differ most, int8 `(directions, channels)`.
        scales: What each direction is multiplied by to be of length 1, float32 `(directions,)`.
        distances: Those of validation images, or as many of their quantiles, ascending, float32 `(images,)`.
    """

    mean: np.ndarray
    directions: np.ndarray
    scales: np.ndarray
    distances: np.ndarray

    @classmethod
    def fit(cls, train: np.ndarray, valid: np.ndarray) -> KnownImages:
        """Find what images are like.

        Args:
            train: Features of training images `(images, channels)`.
            valid: Features of images that were not trained on `(images, channels)`.

        Returns:
            What is known of them.

        Raises:
            ValueError: If there are no images, or features are no finite numbers.
        """
        if not (len(train) and len(valid) and np.isfinite(train).all() and np.isfinite(valid).all()):
            raise ValueError("Expected features of images that are finite numbers, received none, or others.")
        unit = train / np.maximum(np.linalg.norm(train, axis=1, keepdims=True), 1e-12)
        mean = unit.mean(axis=0).astype("<f2")
        found, explained = _principal_directions(unit - mean)
        count = min(train.shape[1] // 2, int((explained <= EXPLAINED).sum()))
        scales = (np.abs(found[:count]).max(axis=1) / 127).astype("<f4")
        directions = np.round(found[:count] / scales[:, None]).astype("<i1")
        unsorted = cls(mean, directions, scales, np.zeros(0, "<f4"))
        distances = np.sort(np.asarray(unsorted.distance(valid.astype("float32")), "<f4")[:, 0])
        if len(distances) > KEPT:
            distances = distances[np.linspace(0, len(distances) - 1, KEPT).round().astype(int)]
        return cls(mean, directions, scales, distances)

    def __repr__(self) -> str:
        count, channels = self.directions.shape
        return f"KnownImages({count} directions of {channels} features, {len(self.distances)} distances)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KnownImages) and self.get_config() == other.get_config()

    __hash__ = None  # type: ignore[assignment]

    def distance(self, features: Any) -> Any:
        """How far features lie outside of the directions, in operations that can be part of a graph.

        Args:
            features: Those that all heads share, `(images, channels)`.

        Returns:
            float32 `(images, 1)`, from 0 to about 1.

        Raises:
            ValueError: If there are not as many features as those that are known.
        """
        from keras import ops

        if features.shape[-1] != len(self.mean):
            raise ValueError(
                f"Expected {len(self.mean)} features, those of the network whose images are known, received: "
                f"{features.shape[-1]}. Call mtl.know_images again."
            )
        features = ops.cast(features, "float32")
        length = ops.sqrt(ops.sum(ops.square(features), axis=-1, keepdims=True))
        centred = features / ops.maximum(length, 1e-12) - self.mean.astype("float32")
        along = ops.matmul(centred, (self.directions * self.scales[:, None]).T.astype("float32"))
        squares = [ops.sum(ops.square(each), axis=-1, keepdims=True) for each in (centred, along)]
        return ops.maximum(squares[0] - squares[1], 0.0)

    def unusual(self, distances: np.ndarray) -> np.ndarray:
        """The fraction of validation images that lie nearer, float32 of the shape of the distances."""
        return np.asarray(np.searchsorted(self.distances, distances) / len(self.distances), "float32")

    def get_config(self) -> dict[str, str]:
        """All numbers as text, in base64."""
        return {
            name: base64.b64encode(np.asarray(getattr(self, name), kind).tobytes()).decode()
            for name, kind in KINDS.items()
        }

    @classmethod
    def from_config(cls, config: Any) -> KnownImages:
        """What `get_config` gave, checked.

        Raises:
            ValueError: If it is not what `get_config` gives.
        """
        try:
            texts = {name: base64.b64decode(config[name], validate=True) for name in KINDS}
            arrays = {name: np.frombuffer(texts[name], kind) for name, kind in KINDS.items()}
            arrays["directions"] = arrays["directions"].reshape(len(arrays["scales"]), len(arrays["mean"]))
        except (TypeError, KeyError, ValueError, binascii.Error):
            shown = list(config) if isinstance(config, Mapping) else config
            raise ValueError(f"Expected known images as they are written, received: {value_text(shown)}.") from None
        finite = all(np.isfinite(array).all() for array in arrays.values())
        if not (finite and len(arrays["distances"]) and (np.diff(arrays["distances"]) >= 0).all()):
            raise ValueError("Expected distances of known images in ascending order, received others.")
        return cls(**arrays)


def distance_name(outputs: Iterable[str]) -> str:
    """What the distance is called in a file with these outputs, whose runtimes want plain names."""
    name, names = "distance", set(outputs)
    while name in names:
        name += "_"
    return name


def _principal_directions(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The directions in which rows differ most, and the fraction of the variance that the first ones explain together.

    Found by subspace iteration (Halko et al. 2011, algorithm 4.4), a hundredth of the time of a whole decomposition.
    """
    width = min(DIRECTIONS + 16, *centred.shape)
    basis = np.random.default_rng(0).normal(size=(centred.shape[1], width)).astype(centred.dtype)
    for _ in range(6):
        basis, _ = np.linalg.qr(centred.T @ (centred @ np.linalg.qr(basis)[0]))
    _, spread, turn = np.linalg.svd(centred @ basis, full_matrices=False)
    variance = max(float(np.square(centred).sum()), 1e-12)
    return (turn @ basis.T)[:DIRECTIONS], np.cumsum(spread**2)[:DIRECTIONS] / variance
