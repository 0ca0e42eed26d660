"""Files: plain Keras reads them and predicts the same numbers, and the heads come back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.saving import EXPORTS, ExportFormat


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(1)
    heads = {
        "length": mtl.ClassificationHead(["short", "knee", "floor"], hidden=[8], class_weight={"knee": 2.0}),
        "kids": mtl.BinaryHead(["no", "yes"]),
        "tags": mtl.MultiLabelHead(["hood", "belt"], threshold=0.4),
        "fit": mtl.OrdinalHead(["slim", "regular", "wide"]),
        "price": mtl.RegressionHead(mean=30.0, scale=12.0, loss="mae"),
    }
    return mtl.build(
        "mobilenet", heads, (32, 32, 3), weights=None, alpha=0.25, feature_layer="conv_pw_2_relu", resize="crop"
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("uint8")


def same(first, second, tolerance=0.0):
    assert set(first) == set(second)
    for name in first:
        np.testing.assert_allclose(np.asarray(second[name]), np.asarray(first[name]), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_the_whole_model_comes_back(model, images, tmp_path, suffix):
    path = mtl.export(model, tmp_path / f"model{suffix}")
    again = mtl.load_model(path)
    assert again.heads == model.heads
    assert list(again.heads) == list(model.heads)
    assert again.resize == "crop"
    same(model.predict(images, verbose=0), again.predict(images, verbose=0))
    again.set_trainable("heads")
    again.compile(run_eagerly=True)  # a single step
    again.fit(images, {"kids": np.array([0, 1, -1])}, verbose=0)


BARE = """
import sys
sys.modules["mtlzoo"] = None  # any import of it fails
import json, keras, numpy as np
differences = {}
for name in sys.argv[1:]:
    expected = np.load(f"{name}.npz")
    answers = keras.models.load_model(f"{name}.h5")(expected["images"], training=False)
    differences[name] = {head: float(np.abs(answer - expected[head]).max()) for head, answer in answers.items()}
print(json.dumps(differences))
"""


def test_a_process_without_mtlzoo_predicts_the_same_numbers(tmp_path):
    """The two backbones whose own graphs Keras does not load back; the large one as far as its first blocks."""
    import keras

    images = np.random.default_rng(0).integers(0, 256, (2, 75, 75, 3)).astype("uint8")
    ends = {"MobileNetV3Small": None, "InceptionResNetV2": "block35_2_ac"}
    for name, layer in ends.items():
        keras.utils.set_random_seed(1)
        heads = {"length": 3, "kids": mtl.BinaryHead()}
        built = mtl.build(name, heads, (75, 75, 3), weights=None, feature_layer=layer)
        answers = {head: np.asarray(answer) for head, answer in built(images, training=False).items()}
        np.savez(tmp_path / f"{name}.npz", images=images, **answers)
        mtl.export(built, tmp_path / f"{name}.h5")
    result = subprocess.run([sys.executable, "-c", BARE, *ends], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    differences = json.loads(result.stdout.splitlines()[-1])
    assert set(differences) == set(ends)
    for name, found in differences.items():
        assert set(found) == {"length", "kids"}, name
        assert max(found.values()) < 1e-6, name


def test_a_file_holds_no_training_state(model, tmp_path):
    import h5py

    model.compile()
    mtl.export(model, tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5") as file:
        assert "training_config" not in file.attrs
        assert "optimizer_weights" not in file
        assert json.loads(file.attrs["mtlzoo"])["heads"]["kids"]["kind"] == "binary"


def test_saved_model(model, images, tmp_path):
    import tensorflow as tf

    mtl.export(model, tmp_path / "folder")
    loaded = tf.saved_model.load(tmp_path / "folder")
    same(model.predict(images, verbose=0), loaded.serve(images.astype("float32")), 1e-5)
    assert "heads" in json.loads((tmp_path / "folder" / "assets.extra" / "mtlzoo.json").read_text())


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert(model, images, tmp_path):
    import tensorflow as tf

    path = mtl.export(model, tmp_path / "model.tflite")
    runner = tf.lite.Interpreter(str(path)).get_signature_runner()
    same(model.predict(images, verbose=0), runner(images=images.astype("float32")), 1e-4)
    with zipfile.ZipFile(path) as archive:
        assert "heads" in json.loads(archive.read("mtlzoo.json"))


def test_onnx(model, images, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    path = mtl.export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(path))
    names = [output.name for output in session.get_outputs()]
    same(
        model.predict(images, verbose=0),
        dict(zip(names, session.run(names, {"images": images.astype("float32")}))),
        1e-4,
    )
    assert "heads" in json.loads(session.get_modelmeta().custom_metadata_map["mtlzoo"])


def test_an_unknown_format_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match=r"\.h5, \.keras"):
        mtl.export(model, tmp_path / "model.pb")
    with pytest.raises(ValueError, match="h5, keras"):
        mtl.export(model, tmp_path / "model", format="caffe")


def test_a_failed_export_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "model.h5"
    path.write_text("the old one")

    def fail(plain, metadata, target):
        target.write_text("half")
        raise OSError("disk full")

    monkeypatch.setitem(EXPORTS, "broken", ExportFormat(".h5", fail))
    with pytest.raises(OSError, match="disk full"):
        mtl.export(model, path, "broken", overwrite=True)
    assert path.read_text() == "the old one"
    assert os.listdir(tmp_path) == ["model.h5"]


def test_a_keras_checkpoint_loads_too(model, images, tmp_path):
    model.compile()
    model.save(tmp_path / "checkpoint.keras")
    again = mtl.load_model(tmp_path / "checkpoint.keras")
    assert again.heads == model.heads
    same(model.predict(images, verbose=0), again.predict(images, verbose=0))


def test_a_lambda_is_loaded_only_if_trusted(tmp_path):
    import keras

    inputs = keras.Input((8, 8, 3))
    features = keras.layers.Lambda(lambda x: x * 2.0)(inputs)
    keras.Model(inputs, features).save(tmp_path / "code.keras")
    with pytest.raises(ValueError, match="trusted=True"):
        mtl.load_model(tmp_path / "code.keras")
    with pytest.raises(ValueError, match="tells nothing of heads"):
        mtl.load_model(tmp_path / "code.keras", trusted=True)


def test_the_room_is_the_function(model, tmp_path):
    from mtlzoo.saving import load_model  # binds the room's module in the package

    assert load_model is mtl.load_model
    assert mtl.export(model, tmp_path / "model.keras").is_file()
