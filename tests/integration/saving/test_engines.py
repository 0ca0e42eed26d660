"""Files of each engine and precision: compared with Keras as they are written, and read back as predictions."""

from __future__ import annotations

import subprocess
import sys

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.errors import ExportError
from mtlzoo.saving import litert

pytestmark = pytest.mark.slow
# Names that layers, operations and nodes may not have.
NAMES = ["coat length (cm)", "größe/x", "0"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    images = keras.Input((24, 24, 3))
    features = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    heads = dict(zip(NAMES, [mtl.ClassificationHead(["a", "b"]), mtl.RegressionHead(mean=90.0, scale=30.0), 4]))
    built = mtl.build(keras.Model(images, features), heads, resize="pad")
    for weight in built.weights:
        weight.assign(weight + np.random.default_rng(1).normal(0, 0.3, weight.shape))
    return built


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return np.stack([cv2.resize(rng.integers(0, 256, (3, 3, 3), "uint8"), (24, 24)) for _ in range(8)])


@pytest.mark.parametrize(
    ("name", "options", "package", "tolerance"),
    [
        ("model.tflite", {"precision": "int8"}, "tensorflow", 0.1),
        ("model.tflite", {"precision": "float16"}, "tensorflow", 0.01),
        ("model.onnx", {"precision": "int8", "keep_float": True}, "tf2onnx", 0.1),
        ("folder", {"format": "openvino"}, "openvino", 1e-4),
    ],
)
def test_predictions_of_a_file_are_those_of_the_model(model, images, tmp_path, name, options, package, tolerance):
    pytest.importorskip(package)
    if name.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    learned = {"images": images} if options.get("precision") == "int8" else {}
    path = mtl.export(model, tmp_path / name, **options, **learned)
    predictor = mtl.load_predictor(path)
    assert predictor.heads == model.heads
    assert predictor.resize == "pad"
    found, expected = predictor.predictions(images), mtl.evaluation.Predictions.from_model(model, images)
    for head in NAMES:
        scale = max(1.0, np.abs(expected.outputs[head]).max())
        np.testing.assert_allclose(found.outputs[head] / scale, expected.outputs[head] / scale, atol=tolerance)


def test_a_converter_that_goes_wrong_is_found_out(model, tmp_path, monkeypatch):
    """As one of TensorFlow's ways to convert does, which writes a file that puts out `NaN` and says nothing."""
    convert = litert.convert

    def wrong(plain, path, *args, **kwargs):
        broken = keras.models.clone_model(plain)
        broken.set_weights([weight * 2 for weight in plain.get_weights()])
        convert(broken, path, *args, **kwargs)

    monkeypatch.setattr(litert, "convert", wrong)
    with pytest.raises(ExportError, match=r"head '.*' of the file that 'litert' \(float32\) wrote deviates"):
        mtl.export(model, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


ALONE = """
import sys
for name in ("keras", "tensorflow", "scipy", "matplotlib", "psutil", "h5py"):
    sys.modules[name] = None  # any import of it fails
from mtlzoo.cli.main import main
sys.exit(main(["predict", *sys.argv[1:]]))
"""


def test_a_file_predicts_where_there_is_no_keras(model, images, tmp_path):
    pytest.importorskip("ai_edge_litert")
    path = mtl.export(model, tmp_path / "model.tflite", verify=False)
    cv2.imwrite(str(tmp_path / "image.png"), images[0, :20])
    out = tmp_path / "predictions.csv"
    command = [sys.executable, "-c", ALONE, str(path), str(tmp_path / "image.png"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    expected = mtl.predict(model, tmp_path / "image.png")
    found = pd.read_csv(out, dtype={"0": str})  # the classes 0 to 3 have names
    pd.testing.assert_frame_equal(found, expected, rtol=1e-3, check_dtype=False)
