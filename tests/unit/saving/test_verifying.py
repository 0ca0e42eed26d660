"""What was written is compared with the model: a file that says something else is refused, and leaves nothing behind."""

from __future__ import annotations

import os

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import ExportError
from mtlzoo.saving import EXPORTS, ExportFormat
from mtlzoo.saving.verifying import TOLERANCES, Tolerance, compare, deviation


@pytest.fixture(scope="module")
def model():
    images = keras.Input((8, 8, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(images)))
    return mtl.build(backbone, {"kids": mtl.BinaryHead(), "price": mtl.RegressionHead(mean=300.0, scale=90.0)})


@pytest.fixture
def fake(model, monkeypatch):
    """A format whose files put out what a test wants."""

    def register(change, precisions=("float32",)):
        def write(plain, metadata, path, *, precision="float32", images=None):
            path.write_text("new")

        def run(images):
            return change({name: np.asarray(output) for name, output in model(images, training=False).items()})

        monkeypatch.setitem(EXPORTS, "fake", ExportFormat(".fake", write, open=lambda path: run, precisions=precisions))

    return register


def test_a_file_that_says_the_same_is_written(model, fake, tmp_path):
    fake(lambda outputs: outputs | {"more": np.zeros(2)})
    assert mtl.export(model, tmp_path / "model.fake").read_text() == "new"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda outputs: outputs | {"kids": outputs["kids"] + 0.01},
            r"head 'kids' .*'fake' \(float32\).* 0\.01, more than 0\.0001",
        ),
        (lambda outputs: outputs | {"price": outputs["price"] * np.nan}, "head 'price' .* nan"),
        (lambda outputs: outputs | {"price": outputs["price"][:1]}, "head 'price' .* inf"),
        (lambda outputs: {"kids": outputs["kids"]}, "has no output 'price', only kids"),
    ],
)
def test_one_that_says_something_else_is_refused(model, fake, tmp_path, change, message):
    fake(change)
    path = tmp_path / "model.fake"
    path.write_text("old")
    with pytest.raises(ExportError, match=message):
        mtl.export(model, path, overwrite=True)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.fake"]
    assert mtl.export(model, path, overwrite=True, verify=False).read_text() == "new"


def test_one_that_cannot_be_opened_is_refused(model, tmp_path, monkeypatch):
    def broken(path):
        raise RuntimeError("unknown operation")

    write = lambda plain, metadata, path: path.write_text("new")  # noqa: E731
    monkeypatch.setitem(EXPORTS, "fake", ExportFormat(".fake", write, open=broken))
    with pytest.raises(ExportError, match="'fake' wrote cannot be opened: unknown operation"):
        mtl.export(model, tmp_path / "model.fake")
    assert not os.listdir(tmp_path)


def test_a_runtime_that_is_not_installed_is_told_of(model, tmp_path, monkeypatch):
    def absent(path):
        raise ImportError("it is run by the package 'fakeruntime'")

    write = lambda plain, metadata, path: path.write_text("new")  # noqa: E731
    monkeypatch.setitem(EXPORTS, "fake", ExportFormat(".fake", write, open=absent))
    with pytest.warns(UserWarning, match="Not compared with Keras: .*'fakeruntime'"):
        assert mtl.export(model, tmp_path / "model.fake").is_file()


def test_precisions_are_those_of_the_format(model, fake, tmp_path):
    fake(lambda outputs: outputs, precisions=("float32", "int8"))
    with pytest.raises(ValueError, match="'fake' has the precision float32 or int8, received: 'float16'"):
        mtl.export(model, tmp_path / "model.fake", precision="float16")
    with pytest.raises(ValueError, match="images="):
        mtl.export(model, tmp_path / "model.fake", precision="int8")
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3)).astype("uint8")
    assert mtl.export(model, tmp_path / "model.fake", precision="int8", images=images).is_file()


def test_deviations_are_relative_to_numbers_above_one():
    assert deviation(np.array([0.5]), np.array([0.6])) == pytest.approx(0.1)
    assert deviation(np.array([100.0, 200.0]), np.array([101.0, 200.0])) == pytest.approx(1 / 200)
    assert deviation(np.array([0.0, 1.0]), np.array([0.5, 1.0]), mean=True) == pytest.approx(0.25)
    assert deviation(np.array([np.nan, np.inf, 2.0]), np.array([np.nan, np.inf, 2.5])) == 0.25
    compare({"a": np.zeros(1)}, {"a": np.full(1, 0.04)}, TOLERANCES["float16"], "'fake'")
    with pytest.raises(ExportError, match="keep_float=True"):
        compare({"a": np.zeros(1)}, {"a": np.ones(1)}, Tolerance(0.1, mean=True), "'fake' (int8)")


def test_models_that_take_no_photographs_are_compared_too(tmp_path):
    images = keras.Input((8, 8, 4))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(images)), {"kids": mtl.BinaryHead()})
    assert mtl.export(model, tmp_path / "model.h5").is_file()
