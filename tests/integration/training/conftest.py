"""Drawn images in two parts, and a network that learns them in seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import pytest
from drawings import draw_table
from keras import layers

from mtlzoo.data import LabelTable, split
from mtlzoo.heads import Head
from mtlzoo.models import MultiTaskModel, build


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> list[LabelTable]:
    """Training and validation rows."""
    return split(draw_table(tmp_path_factory.mktemp("drawn"), rows=64), [0.75, 0.25])


@pytest.fixture(scope="session")
def network() -> Callable[..., MultiTaskModel]:
    """Builds the network, always with the same weights."""

    def network(heads: Mapping[str, Head | int], dropout: float = 0.0) -> MultiTaskModel:
        keras.utils.set_random_seed(7)
        images = keras.Input((12, 10, 3))
        x = layers.Conv2D(8, 3, strides=2, name="first", use_bias=False)(images)
        x = layers.BatchNormalization(momentum=0.8, name="first_bn")(x)
        x = layers.ReLU(name="first_relu")(x)
        backbone = keras.Model(images, layers.Conv2D(12, 3, activation="relu", name="second")(x), name="tiny")
        return build(backbone, heads, weights=None, preprocessing="tf", dropout=dropout)

    return network
