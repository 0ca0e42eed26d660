"""Grad-CAM: what it computes, for which models, on which backends, and its sheet."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import gradcam_figures
import keras
import numpy as np
import pytest
from gradcam_figures import HEADS, small_model, some_images

import mtlzoo as mtl
from mtlzoo.errors import InputError
from mtlzoo.evaluation import gradcam
from mtlzoo.evaluation.explaining import looks
from mtlzoo.models.attention import attention_maps
from mtlzoo.models.gradcam import gradcam_maps


@pytest.fixture(scope="module")
def model():
    return small_model()


def test_of_a_mean_and_a_dense_layer_it_is_the_class_activation_map(model):
    """Zhou et al. 2016: there the gradients are the weights of the dense layer."""
    model = small_model({"length": mtl.ClassificationHead(4)})
    features = model.backbone(some_images()).numpy()
    kernel = model.get_layer("length").get_weights()[0]
    kernel = kernel - kernel.mean(axis=1, keepdims=True)
    predicted = model.predict(some_images(), verbose=0)["length"].argmax(axis=1)
    expected = np.maximum(np.einsum("bhwc,cb->bhw", features, kernel[:, predicted]), 0)
    expected /= expected.max(axis=(1, 2), keepdims=True)
    found = gradcam(model, some_images(), "length")
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_it_is_bright_where_the_reason_is():
    images = keras.Input((12, 12, 3))
    reds = keras.layers.Conv2D(2, 1, activation="relu", name="reds")(images)
    model = mtl.build(keras.Model(images, reds), {"red": mtl.RegressionHead()}, preprocessing="none")
    model.backbone.get_layer("reds").set_weights([np.array([[[[1.0, 0], [-1, 0], [0, 1]]]]), np.zeros(2)])
    model.get_layer("red_scaled").set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
    image = np.zeros((1, 12, 12, 3), "float32")
    image[0, 3:5, 7:9, 0] = 200  # speaks for it
    image[0, 8:10, 2:4, 2] = 200  # speaks against it
    expected = np.zeros((12, 12))
    expected[3:5, 7:9] = 1
    np.testing.assert_allclose(gradcam(model, image, "red")[0], expected, atol=1e-6)
    np.testing.assert_array_equal(gradcam(model, np.zeros_like(image), "red"), 0)  # nothing speaks for it


def test_every_kind_of_head_has_a_map_and_each_image_its_own(model):
    maps = gradcam_maps(model, some_images(), list(HEADS))
    assert list(maps) == list(HEADS)
    alone = gradcam_maps(model, some_images()[1:2], list(HEADS))
    for name, values in maps.items():
        assert values.shape == (3, 3, 5)
        assert values.dtype == "float32"
        assert values.min() >= 0
        np.testing.assert_allclose(values.max(axis=(1, 2)), 1, rtol=1e-6)
        np.testing.assert_allclose(alone[name][0], values[1], atol=1e-5)


def test_many_images_go_through_in_batches(model, monkeypatch):
    whole = gradcam_maps(model, some_images(5), ["age"])["age"]
    monkeypatch.setattr("mtlzoo.models.gradcam.BATCH", 2)
    np.testing.assert_allclose(gradcam_maps(model, some_images(5), ["age"])["age"], whole, atol=1e-5)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_models_from_files_have_it(model, tmp_path, suffix):
    mtl.export(model, tmp_path / f"model{suffix}")
    loaded = mtl.load_model(tmp_path / f"model{suffix}")
    for name, expected in gradcam_maps(model, some_images(), list(HEADS)).items():
        np.testing.assert_allclose(gradcam(loaded, some_images(), name), expected, atol=1e-4)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_is_the_same_on_every_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, gradcam_figures.__file__]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    received = json.loads(process.stdout.splitlines()[-1])
    for name, values in gradcam_figures.figures().items():
        np.testing.assert_allclose(received[name], values, atol=1e-3, err_msg=name)


def test_heads_that_look_for_themselves_are_explained_by_that(model):
    found = looks(model, some_images(), ["kids", "looks"])
    assert list(found) == ["kids", "looks"]
    attention = attention_maps(model, some_images())["looks"]
    np.testing.assert_allclose(found["looks"], attention / attention.max(axis=(1, 2), keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(found["kids"], gradcam(model, some_images(), "kids"), atol=1e-6)


def test_what_cannot_be_is_refused(model, monkeypatch):
    with pytest.raises(ValueError, match=r"names of heads \(tags, .*\), received: nose"):
        gradcam(model, some_images(), "nose")
    with pytest.raises(ValueError, match="received: nose"):
        mtl.plot_gradcam(model, some_images(), heads=["nose"])
    with pytest.raises(TypeError, match="a model with heads"):
        gradcam(model.backbone, some_images(), "kids")
    images = keras.Input((8, 8, 3))
    vector = keras.Model(images, keras.layers.Flatten()(images))
    flat = mtl.build(vector, {"kids": mtl.BinaryHead()}, preprocessing="none")
    with pytest.raises(InputError, match=r"ends in a feature map .*, received: .* one that ends in \(None, 192\)"):
        gradcam(flat, np.zeros((1, 8, 8, 3)), "kids")
    by_hand = {"kids": keras.layers.Dense(1, name="kids")(keras.layers.Flatten()(images))}
    with pytest.raises(InputError, match=r"feature map .*, with none"):
        gradcam(mtl.MultiTaskModel(images, by_hand, heads={"kids": mtl.BinaryHead()}), np.zeros((1, 8, 8, 3)), "kids")
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(NotImplementedError, match="tensorflow, jax, torch, which compute gradients, Keras runs numpy"):
        gradcam(model, some_images(), "kids")


def test_the_sheet_shows_images_and_heads(model, tmp_path):
    figure = mtl.plot_gradcam(model, some_images(2), tmp_path / "gradcam.png", heads=["kids", "objects", "corners"])
    (canvas,) = figure.axes
    texts = [text.get_text() for text in canvas.texts]
    assert {"kids", "objects", "corners"} <= set(texts)
    assert len(canvas.images) == 2 * 4
    assert (tmp_path / "gradcam.png").stat().st_size > 1000
    assert len(mtl.plot_gradcam(model, some_images(1)).axes[0].images) == 1 + len(HEADS)


def test_plots_at_the_top_load_matplotlib_only_when_they_are_used():
    program = (
        "import sys, mtlzoo as mtl; assert not {'matplotlib', 'keras'} & set(sys.modules); "
        "assert 'plot_gradcam' in dir(mtl); mtl.plot_attention, mtl.plot_gradcam; assert 'matplotlib' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
