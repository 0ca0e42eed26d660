"""Heads that look for themselves: what they compute, that they train, and that files and other heads know them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError
from mtlzoo.models.attention import attention_maps

HEADS = {"corner": mtl.ClassificationHead(["left", "right"], hidden=[4]), "dots": mtl.RegressionHead()}


def small_model(heads=HEADS, pooling="attention", pixels=16, **options):
    keras.utils.set_random_seed(0)
    images = keras.Input((pixels, pixels, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="convolution")(images)
    return mtl.build(keras.Model(images, x, name="small"), heads, weights=None, pooling=pooling, **options)


def images_of(rows=4, pixels=16):
    return np.random.default_rng(1).uniform(0, 255, (rows, pixels, pixels, 3)).astype("float32")


def test_training_begins_with_the_mean_over_positions():
    looking, mean = small_model(), small_model(pooling="avg")
    for layer in mean.layers:
        layer.set_weights(looking.get_layer(layer.name).get_weights() if layer.weights else [])
    for name, expected in mean.predict(images_of(), verbose=0).items():
        np.testing.assert_allclose(looking.predict(images_of(), verbose=0)[name], expected, rtol=1e-4, atol=1e-5)


def test_each_head_has_a_query_of_its_own():
    model = small_model()
    query = model.get_layer("corner_attention_scores")
    query.set_weights([np.random.default_rng(0).normal(size=query.weights[0].shape)])
    maps = attention_maps(model, images_of())
    assert maps["corner"].shape == maps["dots"].shape == (4, 8, 8)
    np.testing.assert_allclose(maps["corner"].sum((1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(maps["dots"], 1 / 64, rtol=1e-5)
    features = model.backbone.predict(images_of(), verbose=0)
    expected = np.einsum("bhw,bhwc->bc", maps["corner"], features)
    pooled = keras.Model(model.input, model.get_layer("corner_attention_features").output)
    np.testing.assert_allclose(pooled.predict(images_of(), verbose=0), expected, rtol=1e-3)


@pytest.mark.long
def test_a_head_learns_where_to_look():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 60, (256, 16, 16, 3)).astype("float32")
    rows, columns, red = rng.integers(1, 15, 256), rng.integers(1, 15, 256), rng.integers(0, 2, 256)
    for image, row, column, is_red in zip(images, rows, columns, red):
        image[row - 1 : row + 1, column - 1 : column + 1] = (255, 60, 60) if is_red else (60, 60, 255)
    labels = {"corner": red}
    model = small_model({"corner": mtl.ClassificationHead(["left", "right"])}, preprocessing="tf", dropout=0.0)
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(images, labels, batch_size=64, epochs=25, verbose=0)
    maps = attention_maps(model, images)["corner"]
    at_the_dot = [
        each[max(row // 2 - 1, 0) : row // 2 + 2, max(column // 2 - 1, 0) : column // 2 + 2].sum()
        for each, row, column in zip(maps, rows, columns)
    ]
    assert np.mean(at_the_dot) > 0.5  # of 9 positions in 64


def test_one_head_may_look_alone():
    heads = {**HEADS, "corner": mtl.ClassificationHead(["left", "right"], pooling="attention")}
    model = small_model(heads, pooling="avg")
    assert set(attention_maps(model, images_of())) == {"corner"}
    assert not [layer.name for layer in model.layers if layer.name.startswith("dots_attention")]
    assert model.get_layer("pooling").output.shape == (None, 6)


def test_heads_with_positions_see_the_map():
    model = small_model({**HEADS, "nose": mtl.LandmarkHead(["nose"])})
    assert model.heads["nose"].pooling is None
    assert set(attention_maps(model, images_of())) == {"corner", "dots"}


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_files_hold_it(tmp_path, suffix):
    model = small_model()
    path = tmp_path / f"model{suffix}"
    mtl.export(model, path)
    expected = model.predict(images_of(), verbose=0)
    for loaded in (mtl.load_model(path), keras.models.load_model(path)):
        found = loaded.predict(images_of(), verbose=0)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6)
    assert mtl.load_model(path).heads == model.heads


@pytest.mark.long
def test_further_heads_look_too():
    model = small_model()
    more = model.with_heads({**HEADS, "hat": mtl.BinaryHead()})
    maps = attention_maps(more, images_of())
    assert list(maps) == ["corner", "dots", "hat"]
    for name in HEADS:  # equal ones keep their predictions
        np.testing.assert_array_equal(
            more.predict(images_of(), verbose=0)[name], model.predict(images_of(), verbose=0)[name]
        )
    rates = {layer.name: layer.rate for layer in more.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {f"{name}_attention_dropout": 0.2 for name in maps}


def test_a_head_that_looks_alone_drops_as_many_features_as_all_others():
    model = small_model(pooling="avg", dropout=0.3)
    more = model.with_heads({**HEADS, "hat": mtl.BinaryHead(pooling="attention")})
    assert more.get_layer("hat_attention_dropout").rate == model.get_layer("dropout").rate == 0.3


def test_images_of_another_size():
    from mtlzoo.models.resizing import at_size

    model = small_model()
    smaller = at_size(model, (8, 8))
    assert attention_maps(smaller, images_of(pixels=8))["corner"].shape == (4, 4, 4)


def test_balancing_and_gradients_reach_the_queries():
    model = small_model()
    labels = {"corner": np.array([0, 1, -1, 1]), "dots": np.array([1.0, 2.0, 3.0, np.nan])}
    model.compile(keras.optimizers.Adam(0.1), balancing="pcgrad")
    model.fit(images_of(), labels, verbose=0)
    for name in HEADS:
        assert np.abs(model.get_layer(f"{name}_attention_scores").get_weights()[0]).max() > 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="None or attention, received: 'max'"):
        mtl.BinaryHead(pooling="max")
    with pytest.raises(ValueError, match="Expected no `pooling` of a BoxHead, which needs all positions"):
        mtl.BoxHead(pooling="attention")
    with pytest.raises(ValueError, match="one of avg, max, flatten, attention, received: 'mean'"):
        small_model(pooling="mean")
    images = keras.Input((8, 8, 3))
    vector = keras.Model(images, keras.layers.Flatten()(images), name="vector")
    with pytest.raises(HeadError, match="a feature map, at which head 'corner' is to look, received a vector"):
        mtl.build(vector, HEADS, weights=None, pooling="attention")
    with pytest.raises(ValueError, match='heads of pooling="attention", received'):
        attention_maps(small_model(pooling="avg"), images_of())


def test_the_sheet_shows_images_and_heads(tmp_path):
    model = small_model({**HEADS, "nose": mtl.LandmarkHead(["nose"])})
    figure = mtl.plotting.plot_attention(model, images_of(2), tmp_path / "attention.png")
    (canvas,) = figure.axes
    texts = [text.get_text() for text in canvas.texts]
    assert {"corner", "dots"} <= set(texts)
    assert "nose" not in texts
    assert len(canvas.images) == 2 * 3
    assert len(texts) == 2 + 2 * 2  # the heads, and their predictions
    assert (tmp_path / "attention.png").stat().st_size > 1000
    one = mtl.plotting.plot_attention(model, images_of(1), heads=["dots"])
    assert len(one.axes[0].images) == 2
    with pytest.raises(ValueError, match=r"look for themselves \(corner, dots\), received: nose"):
        mtl.plotting.plot_attention(model, images_of(1), heads=["nose"])


def test_the_sheet_takes_what_predict_takes(tmp_path):
    from PIL import Image

    path = tmp_path / "image.png"
    Image.fromarray(images_of(1, 40)[0].astype("uint8")).save(path)
    model = small_model()
    for images in (path, [path], mtl.data.LabelTable.of_images([str(path)]), images_of(1, 24)):
        assert len(mtl.plotting.plot_attention(model, images).axes[0].images) == 3


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_litert_computes_the_same(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = small_model()
    query = model.get_layer("corner_attention_scores")
    query.set_weights([np.random.default_rng(0).normal(size=query.weights[0].shape)])
    mtl.export(model, tmp_path / "model.tflite")
    runner = tf.lite.Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    found = runner(images=images_of(1))
    for name, expected in model.predict(images_of(1), verbose=0).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-6)
