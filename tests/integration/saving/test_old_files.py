"""Files that an earlier version wrote still load and say the same.

They were written by version 0.1 before its modules and arguments got their present names: a small network with random
weights, a packed table, and a web folder without its page's scripts.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.saving.web import folder as web_folder

OLD = Path(__file__).with_name("old_files")
# Their graphs name arguments that had their defaults; files of today do not, see `mtlzoo.models.older_keras`.
NEWER = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 15)
written_by_newer_keras = pytest.mark.skipif(
    not NEWER, reason="Keras 3.15 wrote these old files, with what 3.10 refuses"
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.load(OLD / "images.npy")


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in json.loads((OLD / "outputs.json").read_text()).items()}


def assert_close(outputs, expected):
    assert set(outputs) == set(expected)
    for name, values in outputs.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-4, err_msg=name)


@written_by_newer_keras
@pytest.mark.parametrize("file", ["model.h5", "model.keras", "multitask.h5", "multitask.keras"])
def test_models_load_and_predict_the_same(file, images, expected):
    model = mtl.load_model(OLD / file)
    assert_close(model.predict(images, verbose=0), expected)
    things = model.heads["things"]
    assert (things.max_objects, things.score_threshold, things.nms_iou_threshold) == (4, 0.3, 0.6)
    predicted = mtl.predict(model, images, probabilities=True)
    before = pd.read_json(OLD / "predictions.json", orient="split")
    assert list(predicted) == list(before)
    assert predicted["coat length"].tolist() == before["coat length"].tolist()


@written_by_newer_keras
@pytest.mark.parametrize("file", ["model.h5", "model.keras"])
def test_exported_models_load_in_plain_keras(file, images, expected):
    plain = keras.models.load_model(OLD / file, compile=False)
    assert not isinstance(plain, mtl.MultiTaskModel)
    assert_close(plain.predict(images, verbose=0), expected)


def test_packed_tables_are_read():
    table = mtl.data.read_packed(OLD / "packed")
    assert table.frame["kind"].isna().tolist() == [False, False, True, False]
    assert table.labels()["size"].ravel()[[0, 2, 3]].tolist() == [1.5, 2.0, 3.0]
    batch, _ = next(iter(mtl.data.image_dataset(table, (12, 16), batch_size=4)))
    assert batch.shape == (4, 12, 16, 3)


@written_by_newer_keras
def test_web_folders_are_known_and_their_description_is_as_it_was(tmp_path, monkeypatch):
    """The network in them is the same file: how Keras converts it is not looked at here."""
    monkeypatch.setattr(
        web_folder, "write_model", lambda model, path, **how: shutil.copy(OLD / "web" / path.name, path)
    )
    folder = shutil.copytree(OLD / "web", tmp_path / "web")
    model = mtl.load_model(OLD / "model.h5")
    mtl.export(model, folder, format="web", overwrite=True)
    old, new = (json.loads((path / web_folder.FOLDER.marker).read_text()) for path in (OLD / "web", folder))
    assert [output["name"] for output in new["outputs"]] == [output["name"] for output in old["outputs"]]
    assert {output["name"]: output["show"] for output in new["outputs"]} == {
        output["name"]: output["show"] for output in old["outputs"]
    }
