"""Files that run without Keras say how unusual an image is, as the model does."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.serving.answers import Answerer

HEADS = {"distance": mtl.ClassificationHead(["near", "far"]), "unusual": mtl.RegressionHead(mean=3.0, scale=2.0)}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images = keras.Input((24, 32, 3))
    features = keras.layers.Conv2D(16, 3, strides=4, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    model = mtl.build(keras.Model(images, features), HEADS)
    mtl.know_images(model, *(rng.integers(0, 99, (60, 24, 32, 3), "uint8") for _ in range(2)))
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(1)
    for number in range(4):
        image = rng.integers(0, 99, (24, 32, 3), "uint8") if number else np.full((24, 32, 3), 255, "uint8")
        cv2.imwrite(str(folder / f"{number}.png"), image)
    return folder


@pytest.mark.parametrize("file", ["model.tflite", "model.onnx", "openvino"])
def test_they_say_what_the_model_says(model, folder, tmp_path, file):
    if file != "model.tflite":
        pytest.importorskip(file.removeprefix("model."), reason=f"needs what writes {file}")
    path = mtl.export(model, tmp_path / file, "openvino" if file == "openvino" else None)
    try:
        predictor = mtl.load_predictor(path)
    except ImportError as error:
        pytest.skip(str(error))
    assert "distance_" in predictor.runtime.output_shapes  # beside the head of that name
    expected = mtl.predict(model, folder)
    assert list(expected)[-1] == "unusual_image"
    assert expected["unusual_image"][0] > 0.9
    found = predictor(folder)
    pd.testing.assert_frame_equal(found, expected, atol=0.02)
    mtl.predict_files(predictor, folder, tmp_path / "many")
    (rows,) = (tmp_path / "many").glob("*.jsonl")
    assert pd.read_json(rows, lines=True)["unusual_image"].tolist() == pytest.approx(found["unusual_image"].tolist())
    answerer = Answerer(predictor)
    (answer,) = answerer.answer([answerer.load((folder / "0.png").read_bytes(), "0.png")])
    assert answer["unusual"] == pytest.approx(expected["unusual_image"][0], abs=0.02)
    assert list(answer["heads"]) == list(HEADS)


def test_a_server_of_the_model_says_so_too(model, folder):
    answerer = Answerer(model)
    answers = answerer.answer([answerer.load(path.read_bytes(), path.name) for path in sorted(folder.iterdir())])
    expected = mtl.predict(model, folder)["unusual_image"]
    assert [answer["unusual"] for answer in answers] == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_file_in_eight_bits_says_nothing_of_it(model, folder, tmp_path):
    path = mtl.export(model, tmp_path / "model.tflite", precision="int8", images=folder, verify=False)
    predictor = mtl.load_predictor(path)
    assert predictor.known is None
    assert "unusual_image" not in predictor(folder)
