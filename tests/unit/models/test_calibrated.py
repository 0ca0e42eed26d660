"""What was fitted on validation rows goes into every file, and is gone once the weights change."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.models import Calibration

HEADS = {"kind": mtl.ClassificationHead(["a", "b"]), "kids": mtl.BinaryHead(["no", "yes"])}


@pytest.fixture
def model() -> mtl.MultiTaskModel:
    images = keras.Input((4, 4, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(2, 2)(images), name="tiny")
    model = mtl.build(backbone, HEADS, (4, 4, 3), weights=None)
    model.calibration = Calibration(temperatures={"kind": 1.5})
    return model


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "checkpoint.keras"])
def test_files_keep_it(model, tmp_path, name):
    path = tmp_path / name
    model.save(path) if name == "checkpoint.keras" else mtl.export(model, path)
    assert mtl.load_model(path).calibration == model.calibration


def test_a_model_without_it_is_written_as_before(model, tmp_path):
    import h5py

    model.calibration = Calibration()
    mtl.export(model, tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5") as file:
        assert set(json.loads(file.attrs["mtlzoo"])) == {"version", "resize", "heads"}
    assert "calibration" not in model.get_config()
    assert not mtl.load_model(tmp_path / "model.h5").calibration


@pytest.mark.parametrize(
    "config", [[], {"temperatures": 1}, {"temperatures": {"other": 1.0}}, {"temperatures": {"kind": -1.0}}]
)
def test_files_that_tell_nonsense_are_refused(model, tmp_path, config):
    import h5py

    mtl.export(model, tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.attrs["mtlzoo"] = json.dumps({**json.loads(file.attrs["mtlzoo"]), "calibration": config})
    with pytest.raises(mtl.errors.ModelFileError, match=r"model\.h5: what its metadata tell of calibration"):
        mtl.load_model(tmp_path / "model.h5")


def test_other_weights_are_not_known(model):
    assert mtl.average([model, model]).calibration == Calibration()
    more = model.with_heads({**model.heads, "hat": mtl.BinaryHead()})
    assert more.calibration == model.calibration
    other = model.with_heads({"kind": mtl.ClassificationHead(["b", "c"])})
    assert other.calibration == Calibration()
    model.compile()
    model.fit(np.zeros((2, 4, 4, 3)), {"kids": np.array([0.0, 1.0])}, verbose=0)
    assert model.calibration == Calibration()
