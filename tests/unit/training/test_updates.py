"""How far variables move: by depth, with decay of kernels alone, in whatever optimizer."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.training.updates import Update, plan_updates, shape_updates

HEADS = {"color": 3}


@pytest.fixture
def model(tiny_backbone):
    return mtl.build(tiny_backbone, HEADS, (16, 16, 3), weights=None, preprocessing="none", dropout=0.0)


def test_rates_rise_geometrically_from_the_first_layer_to_the_heads(model):
    updates = plan_updates(model, mtl.Stage(1, layer_decay=0.1, weight_decay=0.02))
    by_name = {variable.path.rpartition("tiny/")[2]: each for variable, each in zip(model.trainable_variables, updates)}
    layers = ["conv_pw_1", "conv_pw_1_bn", "conv_pw_11", "conv_pw_11_bn", "conv_pw_12", "conv_pw_12_bn"]
    for place, name in enumerate(layers):
        of_layer = [update for path, update in by_name.items() if path.split("/")[0] == name]
        assert of_layer
        assert [update.rate for update in of_layer] == pytest.approx([0.1 ** (1 - place / 6)] * len(of_layer))
        # Normalisation and biases keep what they have.
        assert {update.decay for update in of_layer} == ({0.0} if name.endswith("_bn") else {0.02})
    assert by_name["color/kernel"] == Update(1.0, 0.02)
    assert by_name["color/bias"] == Update(1.0, 0.0)


def test_the_depth_counts_whatever_is_trained(model):
    model.set_trainable(2)
    whole, updates = model.trainable_variables, plan_updates(model, mtl.Stage(1, layer_decay=0.1))
    assert len(updates) == len(whole) == 5
    assert updates[0].rate == pytest.approx(0.1 ** (1 - 4 / 6))


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "lion"])
def test_a_step_is_as_long_as_planned_and_decay_comes_besides(name):
    def step(updates):
        variables = [keras.Variable(np.full((2, 2), 3.0, "float32"), name=f"v{place}") for place in range(2)]
        optimizer = mtl.Stage(1, 0.1, schedule="constant", optimizer=name).make_optimizer(1)
        shape_updates(optimizer, lambda: updates)
        optimizer.apply([keras.ops.ones((2, 2))] * 2, variables)
        return [variable.numpy() - 3.0 for variable in variables], optimizer

    (plain, _), before = step([Update(), Update()])
    (half, decayed), after = step([Update(rate=0.5), Update(rate=0.5, decay=0.2)])
    np.testing.assert_allclose(half, 0.5 * plain, rtol=1e-5)
    np.testing.assert_allclose(decayed, 0.5 * plain - 0.5 * 0.1 * 0.2 * 3.0, rtol=1e-4)
    configs = [{**optimizer.get_config(), "name": None} for optimizer in (before, after)]
    assert configs[0] == configs[1]  # and so its files are Keras' own
    assert [variable.shape for variable in after.variables] == [variable.shape for variable in before.variables]


@pytest.mark.slow
@pytest.mark.parametrize("balancing", [None, "uncertainty", "pcgrad"])
def test_it_holds_in_fit_and_with_balancing(model, balancing):
    """A first layer with a rate of nearly nothing stays where it is, the last one moves."""
    heads_model = mtl.build(model.backbone, {"color": 3, "size": 2}, (16, 16, 3), preprocessing="none", dropout=0.0)
    stage = mtl.Stage(1, 0.1, layer_decay=1e-6, optimizer="sgd")
    optimizer = stage.make_optimizer(2)
    shape_updates(optimizer, lambda: plan_updates(heads_model, stage))
    heads_model.compile(optimizer, balancing=balancing)
    first, last = (heads_model.backbone.get_layer(name) for name in ("conv_pw_1", "conv_pw_12"))
    before = [layer.get_weights()[0] for layer in (first, last)]
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype("uint8")
    labels = {"color": np.array([0, 1, 2, -1]), "size": np.array([0, 1, -1, 1])}
    heads_model.fit(images, labels, epochs=2, verbose=0)
    moved = [np.abs(layer.get_weights()[0] - old).max() for layer, old in zip((first, last), before)]
    assert moved[1] > 1e-4
    assert moved[0] < 1e-3 * moved[1]
