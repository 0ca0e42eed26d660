"""Keras' own ways to save, load and copy a model, with mtlzoo and without."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import InputError, OutputError

NAME = "Pleural Effusion"


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (6, 16, 16, 3)).astype("uint8")


@pytest.fixture
def labels():
    return {NAME: np.array([0, 1, -1] * 2), "age": np.array([1.0, 2, 3, 4, 5, np.nan])}


@pytest.fixture
def model(tiny_backbone):
    heads = {NAME: mtl.BinaryHead(["no", "yes"]), "age": mtl.RegressionHead(hidden=[3], mean=3.0, scale=2.0)}
    model = mtl.build(tiny_backbone, heads, (16, 16, 3), resize="crop")
    model.compile("sgd", run_eagerly=True)  # quicker for a step or two, and files are the same
    return model


def same(model, other, images):
    answers = other(images, training=False)
    for name, value in model(images, training=False).items():
        np.testing.assert_allclose(answers[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", [".h5", ".hdf5"])
def test_save_writes_an_h5_file_that_loads_with_and_without_heads(model, images, tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    model.save(str(path))
    model.save(path)
    again = mtl.load_model(path)
    assert again.heads == model.heads
    assert again.resize == "crop"
    same(model, again, images)
    if suffix == ".h5":
        same(model, keras.models.load_model(path), images)
    with pytest.raises(OutputError, match="left as it is"):
        model.save(path, overwrite=False)
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(OutputError, match="left as it is"):
        model.save(tmp_path / "folder.h5")


def test_h5_files_that_keras_itself_writes_load_too(model, images, tmp_path):
    keras.saving.save_model(model, tmp_path / "model.h5")
    for again in (mtl.load_model(tmp_path / "model.h5"), keras.models.load_model(tmp_path / "model.h5", compile=False)):
        assert again.heads == model.heads
        same(model, again, images)


@pytest.mark.parametrize("file", ["best.h5", "best.keras", "best-{val_Pleural Effusion_loss:.2f}.h5"])
def test_checkpoints_of_keras_load_with_their_heads(model, images, labels, tmp_path, file):
    checkpoint = keras.callbacks.ModelCheckpoint(
        str(tmp_path / file), monitor="val_score", mode="max", save_best_only="{" not in file
    )
    model.fit(images, labels, validation_data=(images, labels), epochs=1, callbacks=[checkpoint], verbose=0)
    (path,) = tmp_path.iterdir()
    again = mtl.load_model(path)
    assert again.heads == model.heads
    same(model, again, images)


def test_weights_alone_travel_between_models_of_the_same_heads(model, tiny_backbone, images, labels, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True)
    model.fit(images, labels, callbacks=[checkpoint], verbose=0)
    again = keras.models.clone_model(model)
    again.load_weights(tmp_path / "best.weights.h5")
    same(model, again, images)


@pytest.mark.parametrize("compiled", [True, False])
def test_clones_and_copies_have_the_heads(model, images, labels, compiled):
    original = model if compiled else mtl.models.MultiTaskModel.from_config(model.get_config())

    def again(layer):
        return type(layer).from_config(layer.get_config())

    clones = [keras.models.clone_model(original), keras.models.clone_model(original, clone_function=again)]
    copies = [copy.deepcopy(original), pickle.loads(pickle.dumps(original))]
    for other in clones + copies:
        assert type(other) is type(model)
        assert other.heads == original.heads
        assert other.resize == "crop"
        assert other.compiled == compiled
        if other in clones:
            other.set_weights(original.get_weights())
        same(original, other, images)
        other.compile(run_eagerly=True)
        other.fit(images, labels, verbose=0)
        assert other.backbone is not original.backbone
        other.replace_heads({"age": mtl.RegressionHead(mean=7, scale=3)})  # heads are shared, the mapping is not
        assert other.heads != original.heads


def test_a_model_without_heads_is_refused():
    inputs = keras.Input((4,))
    with pytest.raises(mtl.errors.HeadError, match="Expected `heads`"):
        mtl.models.MultiTaskModel(inputs, {"a": keras.layers.Dense(1)(inputs)})


def test_what_keras_cannot_save_is_refused_in_one_line(model, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.keras \(with the optimizer\) or \.h5.*mtl\.export"):
        model.save(tmp_path / "model.pt")


def test_keras_own_export_has_the_names(model, images, tmp_path):
    import tensorflow as tf

    model.export(tmp_path / "folder", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "folder")
    served = loaded.serve(images.astype("float32"))
    assert set(served) == {NAME, "age"}


@pytest.mark.parametrize(
    "steps",
    [
        "import sys; sys.modules['mtlzoo'] = None; check('model.h5'); del sys.modules['mtlzoo']\n"
        "import mtlzoo; check('model.keras')",
        pytest.param("import mtlzoo; check('model.keras')", marks=pytest.mark.long),
    ],
    ids=["plain Keras, then mtlzoo", "mtlzoo first"],
)
def test_another_process_predicts_the_same(model, images, tmp_path, steps):
    model.save(tmp_path / "model.h5")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "expected.npz", images=images, **model.predict(images, verbose=0))
    code = f"""
def check(file):
    import keras, numpy as np
    expected = np.load("expected.npz")
    answers = keras.models.load_model(file).predict(expected["images"], verbose=0)
    for name in {list(model.heads)!r}:
        assert np.abs(answers[name] - expected[name]).max() < 1e-5, (file, name)

{steps}
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-1500:]


# === Files of weights ===


def test_weights_find_their_heads(tiny_backbone, images, tmp_path):
    heads = {"a": mtl.BinaryHead(), "b": mtl.BinaryHead()}
    model = mtl.build(tiny_backbone, heads, (16, 16, 3), None)
    model.save_weights(tmp_path / "model.weights.h5")
    other = mtl.build(model.backbone, dict(reversed(heads.items())), (16, 16, 3))
    other.load_weights(tmp_path / "model.weights.h5")
    for name in heads:
        np.testing.assert_allclose(
            other.predict(images, verbose=0)[name], model.predict(images, verbose=0)[name], rtol=1e-5
        )
    renamed = mtl.build(model.backbone, {"b": mtl.BinaryHead(), "c": mtl.BinaryHead()}, (16, 16, 3))
    with pytest.raises(mtl.errors.ModelFileError, match="weights of the heads 'a', 'b', this model has 'b', 'c'"):
        renamed.load_weights(tmp_path / "model.weights.h5")


def test_weights_that_do_not_fit_are_refused_in_one_line(tiny_backbone, tmp_path):
    model = mtl.build(tiny_backbone, {"a": 2}, (16, 16, 3), None)
    model.save_weights(tmp_path / "model.weights.h5")
    other = mtl.build(tiny_backbone, {"a": 3}, (16, 16, 3), None)
    (tmp_path / "bad.weights.h5").write_text("none")
    for file in ("model.weights.h5", "bad.weights.h5"):
        with pytest.raises(mtl.errors.ModelFileError, match=r"does not hold weights that fit .*another model\.$"):
            other.load_weights(tmp_path / file)
    with pytest.raises(FileNotFoundError, match="No such file of weights"):
        other.load_weights(tmp_path / "none.weights.h5")
    with pytest.raises(InputError, match=r"ends in \.weights\.h5"):
        other.save_weights(tmp_path / "model.h5")
    with pytest.raises(InputError, match=r"model\.save_weights\(path\)"):
        other.save(tmp_path / "model.weights.h5")
