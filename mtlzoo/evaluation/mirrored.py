"""A model that is shown each image and its mirror image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from mtlzoo.evaluation.measuring import Measured
from mtlzoo.heads import Head
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.image_range import warn_if_scaled


class FlippedToo:
    """A model that is shown each image and its mirror image, and whose outputs are the mean of both.

    It stands for the model where that predicts. Outputs for the mirror image come back by :meth:`Head.mirror`: classes and
    tags of a pair such as left and right change places. Heads whose outputs are places keep those of the image as it is.

    Args:
        model: The model.
        measured: What stands for it for the image as it is, and gives more than the heads' outputs.
    """

    def __init__(self, model: MultiTaskModel, measured: Measured | None = None):
        self.input_shape, self.resize, self.averaged = model.input_shape, model.resize, model.heads
        self.heads = list(model.heads) if measured is None else measured.heads
        images = keras.Input(model.input_shape[1:], dtype=model.input.dtype)
        mirrored = Mirror(dtype=model.input.dtype)(images)
        plain = model if measured is None else measured.network
        self.network = keras.Model(images, {"as it is": plain(images), "mirrored": model(mirrored)})

    def predict(self, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        """All arrays, as `keras.Model.predict` gives them."""
        warn_if_scaled(args[0])
        return self._mean(self.network.predict(*args, **kwargs))

    def predict_on_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All arrays, as `keras.Model.predict_on_batch` gives them."""
        return self._mean(self.network.predict_on_batch(images))

    def _mean(self, views: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        plain, mirrored = views["as it is"], views["mirrored"]
        means = {name: _mean_of_views(head, plain[name], mirrored[name]) for name, head in self.averaged.items()}
        return {**plain, **means}


class Mirror(keras.layers.Layer):
    """Images with left and right exchanged."""

    def call(self, images: Any) -> Any:
        """Images `(batch, height, width, channels)`, of the same shape."""
        return ops.flip(images, axis=2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the images."""
        return input_shape


def _mean_of_views(head: Head, plain: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    if head.spatial:
        return np.asarray(plain)
    mirrored = np.asarray(mirrored)
    back = head.mirror(mirrored, np.ones(len(mirrored), bool))
    return np.asarray((np.asarray(plain) + back) / 2, mirrored.dtype)
