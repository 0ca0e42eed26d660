"""Training on mixed images and labels, with and without balancing and weights, beside rows that are not mixed."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from asked import usually

import mtlzoo as mtl
from mtlzoo.data import LabelTable, Mixing, image_dataset

SIZE, ROWS = (8, 8), 24


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> LabelTable:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        color = (200, 30, 60) if row % 2 else (40, 60, 220)
        image = np.clip(np.full((12, 12, 3), color) + rng.normal(0, 8, (12, 12, 3)), 0, 255)
        cv2.imwrite(str(folder / f"{row}.png"), image.astype(np.uint8))
    frame = pd.DataFrame(
        {
            "image": [f"{row}.png" for row in range(ROWS)],
            "color": [["red", "blue"][row % 2] if row % 5 else None for row in range(ROWS)],
            "amount": [float(row % 2) if row % 3 else None for row in range(ROWS)],
            "box": ["0.1 0.1 0.8 0.8" if row % 6 == 0 else None for row in range(ROWS)],
            "weight": [float(row % 4) for row in range(ROWS)],
        }
    )
    heads = {"color": mtl.ClassificationHead(["red", "blue"]), "amount": mtl.RegressionHead(), "box": mtl.BoxHead()}
    return LabelTable(frame, heads, root=folder)


def network(table: LabelTable) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    images = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 128, -1)(images)
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3, strides=2, activation="tanh")(x), name="small")
    model = mtl.build(backbone, dict(table.heads), (*SIZE, 3), weights=None, dropout=0.0)
    model.adapt(table.labels())
    return model


@pytest.mark.parametrize("balancing", usually([None], [None, "cagrad"]))
def test_a_model_learns_from_mixed_rows(table, balancing):
    model = network(table)
    model.compile(keras.optimizers.Adam(0.05), balancing=balancing)
    mixing = Mixing(probability=0.7)
    train = image_dataset(table, SIZE, 8, shuffle=True, mix=mixing, sample_weight="weight" if balancing else None)
    logs = model.fit(train, epochs=10, validation_data=image_dataset(table, SIZE, 8), verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    assert logs["color_loss"][-1] < logs["color_loss"][0]
    assert logs["val_color_accuracy"][-1] > 0.9
