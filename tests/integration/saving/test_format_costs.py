"""What formats cost is measured beside Keras, and int8 that loses too much is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import InputError
from mtlzoo.saving import litert
from mtlzoo.serving.measuring import agreement

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    features = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    table = mtl.datasets.blood_cells()
    return mtl.build(keras.Model(images, features), {name: table.heads[name] for name in ("cell_type", "granularity")})


@pytest.mark.long
def test_int8_that_loses_too_much_is_refused(model, monkeypatch):
    """With a converter that puts noise into the weights of int8 files."""
    rows = mtl.datasets.blood_cells().take(np.arange(0, 2000, 40))
    convert = litert.convert

    def noisy(plain, path, *args, precision, **kwargs):
        if precision == "int8":
            plain = keras.models.clone_model(plain)
            plain.set_weights([np.random.default_rng(0).normal(0, 9, weight.shape) for weight in plain.get_weights()])
        convert(plain, path, *args, precision="float32", **kwargs)

    expected = mtl.evaluate(model, rows)["score"]
    monkeypatch.setattr(litert, "convert", noisy)
    measured = mtl.benchmark(model, rows, images=rows, formats=["litert"], cold_start=False, max_lost=0.001)
    files = measured.variants.set_index(["format", "precision", "keep_float"])
    assert files.loc[("litert", "float32", False), ["lost", "agreement"]].tolist() == [0.0, 1.0]
    assert files.loc[("litert", "int8", False), "agreement"] < 0.9
    assert (files["megabytes"] > 0).all()
    assert (files["ms_one"] > 0).all()
    assert files["score"].iloc[0] == pytest.approx(expected[["cell_type", "granularity"]].mean())
    refused = files["refused"]
    assert (
        refused.tolist() == ((files["lost"] > 0.001) & (files.index.get_level_values("precision") == "int8")).tolist()
    )
    assert sum("is refused" in note for note in measured.notes) == refused.sum()
    assert set(measured.heads["head"]) == {"cell_type", "granularity"}


def test_int8_is_left_out_without_images(model):
    measured = mtl.benchmark(model, mtl.datasets.blood_cells().take(np.arange(4)), formats=[], cold_start=False)
    assert measured.variants["format"].tolist() == ["h5"]
    assert measured.notes == ("int8 is left out: it needs training images (images=, --images).",)
    with pytest.raises(InputError, match="savedmodel, litert, onnx, openvino, received: caffe"):
        mtl.benchmark(model, mtl.datasets.blood_cells(), formats=["caffe"])


def test_agreement_is_that_of_predictions():
    head = mtl.ClassificationHead(["a", "b"])
    assert agreement(head, np.array([[0.6, 0.4], [0.6, 0.4]]), np.array([[0.9, 0.1], [0.2, 0.8]])) == 0.5
    assert agreement(mtl.RegressionHead(), np.array([[0.5]]), np.array([[0.6]])) == pytest.approx(0.9)
