"""A predictor says what `mtl.predict` says, of images in any form."""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.errors import ModelFileError
from mtlzoo.runtimes import Runtime, open_runtime
from mtlzoo.runtimes.base import image_input
from mtlzoo.saving.metadata import describe
from mtlzoo.serving import predictor as module


class InKeras(Runtime):
    """A model as if it were a file."""

    name = "Keras"

    def __init__(self, model, metadata=None):
        self.model, self.path = model, Path("model.fake")
        self.metadata = describe(model) if metadata is None else metadata
        self.input_shape = model.input_shape[1:]
        self.output_shapes = {name: tuple(output.shape[1:]) for name, output in model.output.items()}

    def _run(self, images):
        return self.model.predict_on_batch(images)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    images = keras.Input((24, 32, 3))
    features = keras.layers.Conv2D(8, 3, strides=4, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    heads = {
        "garment": mtl.ClassificationHead(["coat", "skirt"]),
        "kids": mtl.BinaryHead(only_if={"garment": "skirt"}),
        "tags": mtl.MultiLabelHead(["hood", "belt"], threshold=0.4),
        "fit": mtl.OrdinalHead(["slim", "regular", "wide"]),
        "price": mtl.RegressionHead(mean=30.0, scale=12.0, only_if={"garment": "coat"}),
        "age": mtl.ExpectationHead([0, 10, 20]),
        "points": mtl.LandmarkHead(["left", "right"]),
        "box": mtl.BoxHead(),
        "shape": mtl.DualTaskHead(labels=["triangle", "rectangle"]),
        "objects": mtl.DetectionHead(["bag"], score_threshold=0.01),
    }
    built = mtl.build(keras.Model(images, features), heads, resize="crop")
    for weight in built.weights:
        weight.assign(weight + np.random.default_rng(1).normal(0, 0.3, weight.shape))
    return built


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for number, size in enumerate([(40, 40), (24, 32), (90, 31)]):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(rng.integers(0, 256, (4, 4, 3), "uint8"), size[::-1]))
    return folder


@pytest.fixture(scope="module")
def predictor(model):
    runtime = InKeras(model)
    told = module.read_heads(runtime.metadata, runtime.path, runtime.output_shapes)
    return module.Predictor(runtime, **told)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, rtol=1e-4, atol=1e-5)


def test_it_says_the_same_of_files(model, folder, predictor):
    expected = mtl.predict(model, folder, probabilities=True)
    same(predictor(folder, probabilities=True), expected)
    same(predictor(folder, probabilities=True, batch_size=2), expected)
    assert "not applicable" in set(expected["kids"])


def test_it_says_the_same_of_arrays_and_bytes(model, folder, predictor):
    content = (folder / "0.png").read_bytes()
    same(predictor(content), mtl.predict(model, content))
    images = np.random.default_rng(0).integers(0, 256, (40, 24, 32, 3), "uint8")
    same(predictor(images), mtl.predict(model, images))


def test_it_is_evaluated_like_a_model(model, folder, predictor):
    table = mtl.data.LabelTable(
        pd.DataFrame({"image": sorted(map(str, folder.iterdir())), "fit": ["slim", "wide", None]}),
        {"fit": model.heads["fit"]},
    )
    report = predictor.predictions(table).with_heads(table.heads).evaluate()
    assert report.loc["fit", "value"] == mtl.evaluate(model, table).loc["fit", "value"]


def test_a_file_that_tells_nothing_of_heads_is_refused(model, monkeypatch):
    for metadata, message in (("", "metadata is damaged"), ('{"heads": {}}', "metadata of the heads")):
        monkeypatch.setattr(module, "open_runtime", lambda path, threads, told=metadata: InKeras(model, told))
        with pytest.raises(ModelFileError, match=message):
            mtl.load_predictor("model.tflite")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such model file"):
        open_runtime(tmp_path / "model.tflite")
    (tmp_path / "model.h5").write_text("")
    with pytest.raises(
        ModelFileError, match=r"a \.tflite or \.onnx file, or a folder of OpenVINO, received: .*model\.h5"
    ):
        open_runtime(tmp_path / "model.h5")


@pytest.mark.parametrize(
    ("shapes", "told"),
    [({"a": (None, 8, 8, 3), "b": (1,)}, r"received: a \(None, 8, 8, 3\), b \(1,\)"), ({"a": ()}, "a"), ({}, "none")],
)
def test_networks_of_something_else_than_images_are_named(shapes, told):
    with pytest.raises(ValueError, match=rf"model.onnx: expected one input of images .*{told}"):
        image_input(Path("model.onnx"), shapes)
