"""Several feature layers: their maps side by side on the finest grid."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo.backbones import Backbone, create_backbone, to_builtin_layers

NAMES = ["one", "two", "three"]


@pytest.fixture
def images(rng):
    """Makes random images from 0 to 1."""
    return lambda *shape: rng.random((*shape, 3)).astype("float32")


def network(size: int | None = 32) -> keras.Model:
    """Three levels, each half as fine as the one before, with 4, 6 and 8 channels."""
    x = images = keras.Input((size, size, 3))
    for name, channels in zip(NAMES, (4, 6, 8)):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu", name=name)(x)
    return keras.Model(images, x, name="levels")


def levels_of(model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
    """What each layer computes by itself."""
    found = []
    for name in NAMES:
        batch = np.asarray(model.get_layer(name)(batch))
        found.append(batch)
    return found


def test_levels_stand_side_by_side_on_the_finest_grid_in_the_order_of_their_names(images):
    model, batch = network(), images(2, 32, 32)
    one, two, three = levels_of(model, batch)
    backbone, _ = create_backbone(model, (32, 32, 3), feature_layers=["three", "one", "two"])
    features = np.asarray(backbone(batch))
    assert features.shape == (2, 16, 16, 18)
    np.testing.assert_allclose(features[..., 8:12], one, rtol=1e-5, atol=1e-6)
    means = np.concatenate([level.mean(axis=(1, 2)) for level in (three, one, two)], axis=-1)
    np.testing.assert_allclose(features.mean(axis=(1, 2)), means, rtol=1e-4, atol=1e-6)
    assert len({id(weight) for weight in backbone.weights}) == 6
    assert backbone.get_layer("one") is model.get_layer("one")


@pytest.mark.parametrize("built_for", [36, None])
def test_maps_whose_sizes_do_not_divide_are_resized(images, built_for):
    model, batch = network(built_for), images(2, 36, 36)
    one, two, three = levels_of(model, batch)
    assert [level.shape[1] for level in (one, two, three)] == [18, 9, 5]
    backbone, _ = create_backbone(model, (36, 36, 3), feature_layers=NAMES)
    expected = [one, *(keras.ops.image.resize(level, (18, 18), interpolation="bilinear") for level in (two, three))]
    np.testing.assert_allclose(backbone(batch), np.concatenate(expected, axis=-1), rtol=1e-4, atol=1e-5)


def test_one_level_is_as_one_feature_layer(images):
    model, batch = network(), images(2, 32, 32)
    several, _ = create_backbone(model, (32, 32, 3), feature_layers=["two"])
    one, _ = create_backbone(model, (32, 32, 3), feature_layer="two")
    np.testing.assert_array_equal(several(batch), one(batch))
    assert [layer.name for layer in several.layers] == [layer.name for layer in one.layers]


def test_layers_of_several_graphs_are_computed_once(images):
    model, batch = network(), images(2, 32, 32)
    model(keras.Input((32, 32, 3)))
    for name in NAMES:  # each layer has now been called elsewhere too
        model.get_layer(name)(keras.Input((8, 8, model.get_layer(name).kernel.shape[2])))
    backbone, _ = create_backbone(model, (32, 32, 3), feature_layers=NAMES)
    again = Backbone.from_config(backbone.get_config())
    assert [len(layer["inbound_nodes"]) for layer in backbone.get_config()["layers"][1:]] == [1] * 6
    again.set_weights(backbone.get_weights())
    np.testing.assert_allclose(again(batch), backbone(batch), rtol=1e-5, atol=1e-6)


def test_a_nested_model_is_a_layer_too(images):
    pixels = keras.Input((32, 32, 3))
    nested = network()
    model = keras.Model(pixels, layers.Conv2D(5, 3, name="last")(nested(pixels)))
    batch = images(2, 32, 32)
    backbone, _ = create_backbone(model, (32, 32, 3), feature_layers=["levels", "last"])
    np.testing.assert_allclose(backbone(batch)[..., :8], nested(batch), rtol=1e-5, atol=1e-6)
    ended, _ = create_backbone(model, (32, 32, 3), feature_layer="levels")
    np.testing.assert_allclose(ended(batch), nested(batch), rtol=1e-5, atol=1e-6)


def test_outputs_by_name_are_levels_too(images):
    model, batch = network(), images(2, 32, 32)
    named = keras.Model(model.input, {"fine": model.get_layer("one").output, "coarse": model.output})
    backbone, _ = create_backbone(named, (32, 32, 3), feature_layers=["fine", "coarse"])
    expected, _ = create_backbone(model, (32, 32, 3), feature_layers=["one", "three"])
    np.testing.assert_array_equal(backbone(batch), expected(batch))


def test_a_backbone_with_levels_may_be_ended_again_and_knows_its_preprocessing():
    backbone, _ = create_backbone(network(), (32, 32, 3), feature_layers=NAMES, preprocessing="tf")
    again, mode = create_backbone(backbone, (32, 32, 3), feature_layers=["two", "feature_levels"])
    assert (again.output_shape, mode) == ((None, 16, 16, 24), "tf")


def test_all_layers_between_are_built_into_keras():
    for size in (32, 36):
        backbone, _ = create_backbone(network(size), (size, size, 3), feature_layers=NAMES)
        kinds = {type(layer) for layer in to_builtin_layers(backbone).layers}
        assert kinds <= {getattr(layers, kind.__name__, None) for kind in kinds}


class Pair(layers.Layer):
    """Holds another layer, and gives tokens."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4, name="block_1")

    def call(self, inputs):
        return keras.ops.reshape(self.inner(inputs), (-1, 64, 4))


def transformer() -> keras.Model:
    images = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 4, strides=4, name="patches")(images)
    return keras.Model(images, Pair(name="encoder")(x), name="transformer")


class Called(keras.Model):
    """No graph of layers."""

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (
            network,
            {"feature_layers": ["one"], "feature_layer": "two"},
            r"for several, received both: 'two' and \['one'\]",
        ),
        (network, {"feature_layers": "one"}, "list of different names of layers, received: 'one'"),
        (network, {"feature_layers": []}, "list of different names"),
        (network, {"feature_layers": ["one", "one"]}, "list of different names"),
        (network, {"feature_layers": ["one", "tow"]}, "for feature_layers=, received: 'tow'. Did you mean 'two'"),
        (network, {"feature_layers": NAMES, "tokens": "mean"}, "Expected a backbone with tokens"),
        (
            transformer,
            {"feature_layers": ["patches", "encoder"]},
            r"layers with a feature map .* 'encoder' of 'transformer'",
        ),
        (
            transformer,
            {"feature_layers": ["patches", "block_1"]},
            "within another layer, as blocks of transformers are",
        ),
        (
            lambda: Called(name="called"),
            {"feature_layers": ["one"]},
            "Expected no feature_layers= for 'called', which is no functional model",
        ),
        (
            lambda: network(None),
            {"feature_layers": NAMES, "input_shape": (None, None, 3)},
            r"images of one size for feature_layers=.*received: input_shape=\(None, None, 3\)",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        create_backbone(make(), **{"input_shape": (32, 32, 3), **arguments})
