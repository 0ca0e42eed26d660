"""An image that breaks off in mid-training is reported as itself, whoever trains."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.cli.main import main


@pytest.fixture
def table(tmp_path) -> mtl.data.LabelTable:
    """Twelve rows, the eighth of them with an image that cannot be read."""
    rng = np.random.default_rng(0)
    names = [f"{row}.png" for row in range(12)]
    for name in names:
        cv2.imwrite(str(tmp_path / name), rng.integers(0, 255, (24, 24, 3), np.uint8))
    (tmp_path / "7.png").write_bytes(b"nothing")
    frame = pd.DataFrame({"image": names, "color": ["red", "green"] * 6})
    frame.to_csv(tmp_path / "labels.csv", index=False)
    return mtl.data.read_csv(tmp_path / "labels.csv")


@pytest.fixture
def model(table) -> mtl.MultiTaskModel:
    """A model of the table's head that is traced in no time."""
    images = keras.Input((32, 32, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3, strides=8)(images), name="tiny")
    return mtl.build(backbone, table.heads, (32, 32, 3), None)


REASON = r"^labels.csv, line 9 \(7.png\): not an image of a known format"


def test_by_the_trainer(table, model):
    with pytest.raises(mtl.data.TableError, match=REASON) as caught:
        mtl.fit(model, table, None, [mtl.Stage(1, 1e-3, optimizer="sgd")], batch_size=4, augment=None, verbose=False)
    assert caught.value.__cause__.path == table.paths()[7]


def test_by_keras(table, model):
    model.compile("sgd")
    dataset = mtl.data.image_dataset(table, (32, 32), 4)
    for run in (model.fit, model.evaluate, model.predict):
        with pytest.raises(mtl.data.TableError, match=REASON):
            run(dataset, verbose=0)


def test_by_prediction_and_the_command_line(table, model, tmp_path, capsys):
    with pytest.raises(mtl.data.TableError, match=REASON):
        mtl.evaluate(model, table)
    mtl.export(model, tmp_path / "model.keras")
    folder = tmp_path / "labels.csv"
    assert main(["evaluate", str(tmp_path / "model.keras"), str(folder)]) == 2
    assert "labels.csv, line 9 (7.png): not an image of a known format" in capsys.readouterr().err.splitlines()[-1]
