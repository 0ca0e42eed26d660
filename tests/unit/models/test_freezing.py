from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo as mtl


@pytest.fixture
def model(tiny_backbone):
    return mtl.build(tiny_backbone, {"wear": 3, "sex": mtl.BinaryHead(hidden=[4])}, (16, 16, 3), None, dropout=0.5)


@pytest.fixture
def rows(rng):
    images = rng.uniform(0, 255, (16, 16, 16, 3)).astype("float32")
    return images, {"wear": rng.integers(-1, 3, 16), "sex": rng.integers(-1, 2, 16).astype("float32")}


def trained(model):
    """The names of the backbone's layers that training may change."""
    return [layer.name for layer in model.backbone.layers if layer.trainable_variables]


def weights_of(layers_):
    return [weight.numpy() for layer in layers_ for weight in layer.weights]


def head_layers(model):
    return [layer for layer in model.layers if layer.weights and layer is not model.backbone]


EVERYTHING = ["conv_pw_1", "conv_pw_1_bn", "conv_pw_11", "conv_pw_11_bn", "conv_pw_12", "conv_pw_12_bn"]


# === What is chosen ===


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("all", EVERYTHING),
        ("heads", []),
        (1, ["conv_pw_12_bn"]),
        (3, ["conv_pw_11_bn", "conv_pw_12", "conv_pw_12_bn"]),
        (np.int64(2), ["conv_pw_12", "conv_pw_12_bn"]),
        (100, EVERYTHING),
        (["conv_pw_1"], ["conv_pw_1", "conv_pw_1_bn"]),
        (("conv_pw_11_bn",), ["conv_pw_11_bn"]),
        (["conv_pw_12", "conv_pw_1"], ["conv_pw_1", "conv_pw_1_bn", "conv_pw_12", "conv_pw_12_bn"]),
        (["conv"], EVERYTHING),
    ],
)
def test_the_chosen_part_of_the_backbone_trains_and_the_heads_always_do(model, part, expected):
    for before in ("all", "heads", ["conv_pw_11"]):
        model.set_trainable(before)
        model.set_trainable(part)
        assert trained(model) == expected
        assert all(layer.trainable for layer in head_layers(model))
        assert model.backbone.trainable == (part != "heads")


@pytest.mark.parametrize("part", ["backbone", 0, -1, 2.0, True, None, [], [3], {"conv_pw_1"}])
def test_what_is_no_part_is_refused(model, part):
    with pytest.raises(
        ValueError, match='"heads", "all", a positive number of layers, a list of layer names, or "lora:"'
    ):
        model.set_trainable(part)


@pytest.mark.parametrize("name", ["conv_pw", "conv_pw_1"])
def test_a_name_is_matched_whole(model, name):
    model.set_trainable([name])
    assert ("conv_pw_11" in trained(model)) == (name == "conv_pw")


@pytest.mark.parametrize("name", ["conv_pw_2", "onv_pw_1", "conv_pw_1_b", "drop", "wear"])
def test_a_name_that_fits_no_layer_with_weights_is_refused_with_those_that_do(model, name):
    model.set_trainable(["conv_pw_1"])
    with pytest.raises(ValueError, match=rf"received '{name}'. Its last layers\n? ?with weights are: .*conv_pw_12_bn"):
        model.set_trainable(["conv_pw_12", name])
    assert trained(model) == ["conv_pw_1", "conv_pw_1_bn"]  # nothing has changed


def test_the_parts_of_a_composite_layer_go_with_the_whole():
    inputs = keras.Input((8, 4))
    x = layers.Dense(4, name="first")(inputs)
    x = layers.MultiHeadAttention(1, 4, name="attention")(x, x)
    outer = SimpleNamespace(backbone=keras.Model(inputs, x))
    mtl.models.set_trainable(outer, ["attention"])
    assert trained(outer) == ["attention"]
    assert len(outer.backbone.trainable_variables) == len(outer.backbone.get_layer("attention").variables) == 8
    mtl.models.set_trainable(outer, 1)
    assert trained(outer) == ["attention"]
    mtl.models.set_trainable(outer, ["first"])
    assert trained(outer) == ["first"]


def test_layers_of_nested_models_can_be_chosen():
    inputs = keras.Input((4,))
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="one"), layers.Dense(4, name="two")], name="inner"
    )
    outer = SimpleNamespace(backbone=keras.Model(inputs, layers.Dense(2, name="last")(inner(inputs))))
    mtl.models.set_trainable(outer, ["two"])
    assert [variable.path for variable in outer.backbone.trainable_variables] == ["inner/two/kernel", "inner/two/bias"]
    mtl.models.set_trainable(outer, 2)
    assert len(outer.backbone.trainable_variables) == 4


# === What training does ===


def test_a_frozen_backbone_runs_in_inference_mode(model, rows):
    images, _ = rows
    model.set_trainable("heads")
    still = model.backbone(images, training=False).numpy()
    statistics = weights_of(model.backbone.layers)
    for _ in range(3):
        np.testing.assert_array_equal(model.backbone(images, training=True), still)
    for before, after in zip(statistics, weights_of(model.backbone.layers)):
        np.testing.assert_array_equal(before, after)
    model.set_trainable("all")
    assert (model.backbone(images, training=True).numpy() != still).any()
    assert any((a != b).any() for a, b in zip(statistics, weights_of(model.backbone.layers)))


def test_in_plain_keras_the_dropout_of_a_frozen_model_goes_on(tiny_backbone, rows):
    images, _ = rows
    tiny_backbone.trainable = False
    still = tiny_backbone(images, training=False).numpy()
    assert (tiny_backbone(images, training=True).numpy() != still).any()


@pytest.mark.parametrize("run_eagerly", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_fit_changes_the_heads_and_nothing_of_a_frozen_backbone(model, rows, run_eagerly):
    model.set_trainable("heads")
    model.compile(keras.optimizers.Adam(0.1), run_eagerly=run_eagerly)
    backbone, heads = weights_of(model.backbone.layers), [weights_of([layer]) for layer in head_layers(model)]
    model.fit(*rows, batch_size=8, epochs=2, verbose=0)
    for before, after in zip(backbone, weights_of(model.backbone.layers)):
        np.testing.assert_array_equal(before, after)
    for before, layer in zip(heads, head_layers(model)):
        assert any((old != new).any() for old, new in zip(before, weights_of([layer])))


def test_fit_changes_the_chosen_layers_only_and_the_others_statistics_stand_still(model, rows):
    model.set_trainable(["conv_pw_12"])
    model.compile(keras.optimizers.Adam(0.1), run_eagerly=True)
    before = {layer.name: weights_of([layer]) for layer in model.backbone.layers}
    model.fit(*rows, batch_size=8, epochs=2, verbose=0)
    changed = [
        layer.name
        for layer in model.backbone.layers
        if any((old != new).any() for old, new in zip(before[layer.name], weights_of([layer])))
    ]
    assert changed == ["conv_pw_12", "conv_pw_12_bn"]


def test_the_optimizer_of_frozen_heads_training_keeps_state_for_the_heads_only(model, rows):
    model.set_trainable("heads")
    model.compile("adam", run_eagerly=True)
    model.train_on_batch(*rows)
    kept = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert kept == sum(int(np.prod(variable.shape)) for layer in head_layers(model) for variable in layer.weights)
    moments = [variable for variable in model.optimizer.variables if variable.shape not in ((), (1,))]
    assert sum(int(np.prod(variable.shape)) for variable in moments) <= 2 * kept
