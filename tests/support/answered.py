"""Drawn images, and an untrained network that predicts for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
from drawings import draw_table
from keras import layers

from mtlzoo.data import LabelTable
from mtlzoo.evaluation import Predictions
from mtlzoo.models import MultiTaskModel, build


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> LabelTable:
    """Forty images."""
    return draw_table(tmp_path_factory.mktemp("drawn"), rows=40)


@pytest.fixture(scope="session")
def model(drawn) -> MultiTaskModel:
    """A network of random weights with the table's heads."""
    keras.utils.set_random_seed(7)
    images = keras.Input((12, 10, 3))
    features = layers.Conv2D(12, 3, strides=2, activation="relu", name="only")(images)
    return build(
        keras.Model(images, features, name="tiny"), drawn.heads, weights=None, preprocessing="tf", resize="crop"
    )


def outputs(model: MultiTaskModel, images: Any, batch_size: int = 32) -> Mapping[str, np.ndarray]:
    """The network's outputs for images in any form."""
    return Predictions.from_model(model, images, batch_size).outputs
