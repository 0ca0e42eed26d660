"""A model of Keras or an exported file, as what turns a batch of loaded images into rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtlzoo.errors import InputError
from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.evaluation.running import Run, split_distances
from mtlzoo.evaluation.views import check_test_time_augmentation
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import ImageLoader
from mtlzoo.serving.predictor import Predictor
from mtlzoo.serving.stand_in import stand_in

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel


class Network:
    """What predicts, and how its outputs are read: as :func:`mtlzoo.predict` reads them.

    Args:
        model: The model, or an exported file that was opened.
        test_time_augmentation: As :func:`mtlzoo.predict` takes it.
        reading: Arguments of :meth:`Predictions.to_frame`.

    Attributes:
        loader: What brings images to the size of the input.
        columns: The frame of no images.

    Raises:
        TypeError: If the model has no heads.
        ValueError: If there is no such test-time augmentation, or an exported file is to have one.
    """

    def __init__(self, model: MultiTaskModel | Predictor, test_time_augmentation: str | None = None, **reading: Any):
        self._model, self._reading = model, reading
        self._other_views = check_test_time_augmentation(test_time_augmentation) is not None
        if isinstance(model, Predictor) and self._other_views:
            raise ValueError("Expected test_time_augmentation=None for an exported file, which has no mirrored view.")
        self._network, self._known = stand_in(model, self._other_views)
        shape: Any = model.input_shape[1:]
        height, width, channels = shape
        if height is None or width is None:
            raise InputError(f"Expected a model with images of one size, received one of {height} x {width}.")
        self.loader = ImageLoader((height, width), resize=model.resize, channels=channels)
        black = np.zeros((1, height, width, channels), "uint8")
        whole = ImageGeometry.whole([(height, width)], (height, width))
        self.columns = self.frame(black, whole, ["black"]).iloc[:0]

    def frame(self, images: np.ndarray, geometry: ImageGeometry, names: Sequence[str]) -> pd.DataFrame:
        """The rows of a batch.

        Args:
            images: uint8 `(rows, height, width, channels)`.
            geometry: Where they come from.
            names: What they are called.
        """
        outputs, unusual = split_distances(self._network.predict_on_batch(images), self._known)
        arrays = {name: np.asarray(outputs[name]) for name in self._model.heads}
        run = Run(arrays, geometry, list(names), unusual=unusual)
        return Predictions.from_run(self._model, run, other_views=self._other_views).to_frame(**self._reading)

    def digest(self) -> str:
        """A checksum over weights and heads, or over the exported file."""
        digest = hashlib.blake2b(digest_size=16)
        if isinstance(self._model, Predictor):
            path = self._model.runtime.path
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    digest.update(file.name.encode())
                    with open(file, "rb") as opened:
                        digest.update(hashlib.file_digest(opened, "sha256").digest())
        else:
            from mtlzoo.saving.metadata import describe
            from mtlzoo.training.checksums import weights_digest

            digest.update(describe(self._model).encode())
            digest.update(weights_digest(self._model))
        return digest.hexdigest()
