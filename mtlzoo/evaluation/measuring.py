"""A network that gives more than the outputs of its heads: the shared features, or how far they are from known ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

from mtlzoo.models import MultiTaskModel
from mtlzoo.models.image_range import warn_if_scaled
from mtlzoo.models.known_images import DISTANCE, KnownImages
from mtlzoo.models.splitting import shared_features

FEATURES = "features of all heads"


class StandIn:
    """A network on a model's graph that stands for the model where that predicts.

    Args:
        model: The model.
        outputs: What the network gives, by name.
    """

    def __init__(self, model: MultiTaskModel, outputs: Mapping[str, keras.KerasTensor]):
        self.heads, self.input_shape, self.resize = list(outputs), model.input_shape, model.resize
        self.network = keras.Model(model.input, dict(outputs))

    def predict(self, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        """All arrays, as `keras.Model.predict` gives them."""
        warn_if_scaled(args[0])
        found: dict[str, np.ndarray] = self.network.predict(*args, **kwargs)
        return found

    def predict_on_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All arrays, as `keras.Model.predict_on_batch` gives them."""
        found: dict[str, np.ndarray] = self.network.predict_on_batch(images)
        return found


class Measured(StandIn):
    """The model with one output more, the distance of an image from those that the model knows.

    Args:
        model: The model.
        known: The images that it knows.
    """

    def __init__(self, model: MultiTaskModel, known: KnownImages):
        super().__init__(model, {**model.output, DISTANCE: known.distance(shared_features(model))})
        self.made_of = known, model.heads

    @classmethod
    def of(cls, model: MultiTaskModel) -> Measured | None:
        """The network of a model, the same one each time as long as nothing changes; `None` if it knows no images."""
        calibration = getattr(model, "calibration", None)  # which what else stands for a model may lack
        if calibration is None or (known := calibration.images) is None:
            return None
        made = _MADE.get(model)
        # Heads that have learned of other labels are new ones, and what was compiled has their old numbers.
        if made is None or made.made_of[0] is not known or made.made_of[1] is not model.heads:
            made = _MADE[model] = cls(model, known)
        return made


# A network is compiled at its first prediction, which takes a hundred times as long as the next one.
_MADE: WeakKeyDictionary[MultiTaskModel, Measured] = WeakKeyDictionary()
