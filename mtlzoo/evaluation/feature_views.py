"""One pass over images that gives the shared features too, and the outputs for each view by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.evaluation.mirrored import Mirror
from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.evaluation.running import run_network
from mtlzoo.evaluation.views import check_test_time_augmentation
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.splitting import mean_over_positions, split

FEATURES = "features of all heads"


@dataclass(frozen=True)
class Views:
    """What some networks say of a table's images.

    Attributes:
        predictions: The mean of all networks.
        features: float32 `(rows, features)`, those that all heads of the first network share.
        outputs: For each head its outputs `(rows, ...)`, one array a network and a view; places have no mirrored view.
    """

    predictions: Predictions
    features: np.ndarray
    outputs: dict[str, list[np.ndarray]]


class WithFeatures:
    """A model that gives its features beside its outputs; it stands for the model where that predicts.

    Args:
        model: The model.
        flipped: Whether it gives the outputs for the mirror image, too.
    """

    def __init__(self, model: MultiTaskModel, flipped: bool):
        self.input_shape, self.resize = model.input_shape, model.resize
        self.heads = [FEATURES, *_keys(model, flipped)]
        features = mean_over_positions(split(model).trunk.output)
        self.network = keras.Model(model.input, {FEATURES: features, "outputs": model.output})
        if flipped:
            images = keras.Input(model.input_shape[1:], dtype=model.input.dtype)
            mirrored = model(Mirror(dtype=model.input.dtype)(images))
            self.network = keras.Model(images, {**self.network(images), "mirrored": mirrored})

    def predict(self, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        """All arrays, as `keras.Model.predict` gives them."""
        return _flat(self.network.predict(*args, **kwargs))

    def predict_on_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All arrays, as `keras.Model.predict_on_batch` gives them."""
        return _flat(self.network.predict_on_batch(images))


def _keys(model: MultiTaskModel, flipped: bool) -> list[str]:
    return [f"{view}:{name}" for view in ("outputs", "mirrored")[: 1 + flipped] for name in model.heads]


def _flat(found: Mapping[str, Any]) -> dict[str, np.ndarray]:
    views = {name: arrays for name, arrays in found.items() if name != FEATURES}
    flat = {f"{view}:{name}": array for view, arrays in views.items() for name, array in arrays.items()}
    return {FEATURES: np.asarray(found[FEATURES], "float32"), **flat}


def run_views(
    models: Sequence[MultiTaskModel], table: LabelTable, batch_size: int, test_time_augmentation: str | None
) -> Views:
    """Run all models over a table's images, each once.

    Raises:
        TableError: If an image cannot be read, or there are no rows.
        ValueError: If there is no such test-time augmentation, or the models have not the same heads.
    """
    flipped = check_test_time_augmentation(test_time_augmentation) is not None
    predictions, features = [], []
    views: dict[str, list[np.ndarray]] = {name: [] for name in models[0].heads}
    for model in models:
        run = run_network(WithFeatures(model, flipped), table, batch_size)
        features.append(run.outputs[FEATURES])
        outputs = {name: run.outputs[f"outputs:{name}"] for name in model.heads}
        predictions.append(Predictions(outputs, model.heads, run.geometry, run.names, table))
        for name in views.keys() & model.heads.keys():
            views[name].append(outputs[name])
            if flipped and not model.heads[name].spatial:
                mirrored = run.outputs[f"mirrored:{name}"]
                views[name].append(model.heads[name].mirror(mirrored, np.ones(len(mirrored), bool)))
    return Views(predictions[0] if len(models) == 1 else Predictions.mean(predictions), features[0], views)
