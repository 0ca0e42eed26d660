from __future__ import annotations

import keras
import numpy as np
import pytest
from asked import usually

import mtlzoo as mtl
from mtlzoo.training.balancing_monitor import conflict_fraction

NAN = float("nan")


@pytest.fixture
def features(rng):
    """Two tasks of the same features that want the opposite, and one that is never labelled."""
    images = rng.normal(size=(32, 4, 4, 3)).astype("float32")
    kind = rng.integers(0, 2, 32)
    labels = {"one": kind, "other": 1 - kind, "never": np.full(32, -1)}
    labels["one"][:4] = labels["other"][4:8] = -1
    return images, labels


@pytest.fixture
def model():
    """Heads with the same weights, so that opposite labels give opposite gradients."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    backbone = keras.Model(inputs, keras.layers.Conv2D(5, 3, activation="tanh")(inputs))
    model = mtl.build(backbone, {"one": 2, "other": 2, "never": 2}, (4, 4, 3), weights=None, dropout=0.0)
    model.get_layer("other").set_weights(model.get_layer("one").get_weights())
    return model


@pytest.mark.parametrize(
    "balancing", usually(["uncertainty"], [None, "uncertainty", mtl.balancing.PCGrad(gradients="parameters")])
)
def test_fighting_tasks_are_seen(model, features, balancing):
    model.compile(keras.optimizers.SGD(1e-3), balancing=balancing)
    monitor = mtl.BalancingMonitor()
    images, labels = features
    history = model.fit(
        images, labels, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=[monitor], validation_data=features
    ).history
    assert monitor.history["heads"] == ["one", "other", "never"]
    assert monitor.history["epoch"] == [0, 1]
    cosines, conflicts = monitor.history["cosines"], monitor.history["conflicts"]
    assert cosines.shape == conflicts.shape == (2, 3, 3)
    assert (cosines[:, 0, 1] < -0.5).all()
    np.testing.assert_allclose(cosines, cosines.transpose(0, 2, 1), atol=1e-6)
    np.testing.assert_allclose(cosines[:, [0, 1], [0, 1]], 1, atol=1e-5)
    assert np.isnan(cosines[:, 2]).all()
    # In one batch of four no image is labelled for both, so that their gradients have nothing in common.
    assert (conflicts[:, 0, 1] == 0.75).all()
    assert history["conflicts"] == [0.75, 0.75]
    np.testing.assert_allclose(history["one_weight"], monitor.history["weights"][:, 0])
    assert np.isnan(history["never_weight"]).all()
    frame = monitor.to_frame()
    assert list(frame["epoch"]) == [1, 2]
    assert frame["cosine:one:other"].tolist() == pytest.approx(list(cosines[:, 0, 1]))


def test_watching_changes_no_training(model, features):
    images, labels = features
    start, results = model.get_weights(), []
    for callbacks in ([], [mtl.BalancingMonitor()]):
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        history = model.fit(
            images, labels, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=callbacks
        ).history
        results.append((history["loss"], model.get_weights()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    for left, right in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)
    assert model.balancer is None
    assert "task_monitor" not in [metric.name for metric in model.metrics]


def test_a_stage_of_heads_alone_has_nothing_to_watch(model, features):
    model.set_trainable("heads")
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    monitor = mtl.BalancingMonitor()
    history = model.fit(*features, verbose=0, callbacks=[monitor]).history
    assert np.isnan(monitor.history["cosines"]).all()
    assert np.isnan(history["conflicts"]).all()


def test_only_multi_task_models_can_be_watched():
    plain = keras.Sequential([keras.layers.Dense(1)])
    plain.compile("sgd", "mse")
    with pytest.raises(ValueError, match="MultiTaskModel"):
        plain.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[mtl.BalancingMonitor()])


def test_the_fraction_of_conflicts_counts_each_pair_once():
    assert conflict_fraction(np.array([[0, 1, NAN], [1, 0, 0.5], [NAN, 0.5, 0]])) == 0.75
    assert np.isnan(conflict_fraction(np.full((2, 2), NAN)))
