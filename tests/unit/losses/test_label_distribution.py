from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from mtlzoo.losses import MaskedCategoricalCrossentropy
from mtlzoo.losses import MaskedLabelDistributionLoss as Loss

AGES = np.arange(117)
LABELS = np.r_[0, 0.25, 1, 1.5, 2, 30, 47.3, 114.9, 116].astype("float32")
SPREADS = [0.0, 1e-200, 0.3, 1.0, 2.0, 15.0, 1e6]


def distributions(loss, labels):
    return ops.convert_to_numpy(loss.distributions(ops.convert_to_tensor(labels, "float32"))).astype("float64")


# === The label's distribution ===


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("values", [AGES, AGES * 1000.0, np.linspace(0, 1, 11), np.linspace(-0.3, 0.4, 8)])
def test_its_expectation_is_the_label_up_to_the_ends_of_the_bins(values, spread, rng):
    loss = Loss(values, spread=spread * (values[1] - values[0]))
    labels = np.r_[values, rng.uniform(values[0], values[-1], 50)].clip(values[0], values[-1])
    found = distributions(loss, labels)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found >= 0).all()
    np.testing.assert_allclose(found @ values, labels, atol=1e-5 * np.abs(values).max())


@pytest.mark.parametrize("spread", SPREADS)
def test_a_perfect_answer_costs_nothing_and_any_other_costs_something(spread, rng):
    loss = Loss(AGES, spread=spread)
    perfect = distributions(loss, LABELS)
    np.testing.assert_allclose(loss.call(LABELS, perfect), 0, atol=1e-4)
    others = 0.9 * perfect + 0.1 * rng.dirichlet(np.ones(117), len(LABELS))
    assert (np.asarray(loss.call(LABELS, others)) > 0.01).all()


def test_it_is_a_gaussian_of_the_given_spread():
    for spread in (1.0, 2.0, 5.0):
        found = distributions(Loss(AGES, spread=spread), [60.0])[0]
        density = np.exp(-0.5 * ((AGES - 60) / spread) ** 2)
        np.testing.assert_allclose(found, density / density.sum(), atol=1e-6)
        assert np.sqrt(found @ (AGES - 60) ** 2) == pytest.approx(spread, rel=1e-3)


def test_near_an_end_it_is_cut_at_the_same_distance_on_both_sides():
    found = distributions(Loss(AGES), [2.0])[0]
    np.testing.assert_allclose(found[:5], found[4::-1], rtol=1e-5)
    assert found[:5].sum() == pytest.approx(1)
    assert distributions(Loss(AGES), [0.0])[0, 0] == 1


def test_without_spread_it_lies_on_the_nearest_two_bins():
    found = distributions(Loss([0, 1, 10, 100], spread=0.0), [0.25, 1, 4, 55, 100])
    expected = [[0.75, 0.25, 0, 0], [0, 1, 0, 0], [0, 2 / 3, 1 / 3, 0], [0, 0, 0.5, 0.5], [0, 0, 0, 1]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_of_unevenly_spaced_bins_a_lonely_one_gets_more_than_one_among_many():
    values = np.r_[np.linspace(0, 5, 51), 6:11]
    found = distributions(Loss(values, spread=1.0), [5.0])[0]
    assert found @ values == pytest.approx(5, abs=0.1)
    assert found[51] == pytest.approx(10 * found[40])  # 6 and 4, as far from 5, of which 4 has ten times the neighbours


# === The loss ===


def test_without_the_expectation_it_is_the_cross_entropy_less_the_labels_entropy(rng):
    loss, predictions = Loss(AGES, expectation_weight=0.0), rng.dirichlet(np.ones(117), len(LABELS))
    soft = distributions(loss, LABELS)
    logarithms = np.log(soft, out=np.zeros_like(soft), where=soft > 0)
    entropy = -(soft * logarithms).sum(axis=1).mean()
    cross_entropy = float(MaskedCategoricalCrossentropy(117)(soft, predictions))
    assert float(loss(LABELS, predictions)) == pytest.approx(cross_entropy - entropy, rel=1e-4)


def test_the_error_of_the_expectation_counts_in_units_of_the_scale():
    label, predictions = [1.0], [[0.2, 0.3, 0.1, 0.4]]
    plain = float(Loss(range(4), expectation_weight=0.0)(label, predictions))
    for weight, scale in [(1.0, 1.0), (3.0, 1.0), (1.0, 20.0)]:
        whole = float(Loss(range(4), expectation_weight=weight, scale=scale)(label, predictions))
        assert whole - plain == pytest.approx(weight * 0.7 / scale, rel=1e-4)


def test_the_unit_of_the_labels_does_not_matter(rng):
    predictions = rng.dirichlet(np.ones(117), len(LABELS))
    years = float(Loss(AGES, spread=2.0, scale=20.0)(LABELS, predictions))
    days = float(Loss(AGES * 365, spread=2.0 * 365, scale=20.0 * 365)(LABELS * 365, predictions))
    assert years == pytest.approx(days, rel=1e-4)


def test_a_near_miss_costs_less_than_a_far_one():
    loss = Loss(AGES)
    costs = [float(loss([30.0], distributions(loss, [answer]) * 0.99 + 0.01 / 117)) for answer in (30, 31, 33, 40, 90)]
    assert costs == sorted(costs)


def test_the_mean_of_the_best_answer_to_ambiguous_faces_is_the_mean_of_their_labels():
    labels = np.array([0, 1, 2, 6], "float32")
    loss = Loss(AGES, expectation_weight=0.0)
    best = distributions(loss, labels).mean(axis=0, keepdims=True)
    assert best[0] @ AGES == pytest.approx(labels.mean(), rel=1e-5)
    least = float(loss(labels, np.repeat(best, 4, axis=0)))
    for other in (0.9, 1.1):
        tilted = best * other**AGES
        assert float(loss(labels, np.repeat(tilted / tilted.sum(), 4, axis=0))) > least


# A probability below the smallest float32 says nothing of its logit, unless the layer left it there.
@pytest.mark.parametrize(
    ("softmax", "logit"),
    [(tf.nn.softmax, 80.0), *((keras.activations.softmax, logit) for logit in (80.0, 200.0, 1e4))],
)
def test_a_very_confident_and_far_mistake_can_be_unlearned(softmax, logit):
    logits = tf.Variable(logit * np.eye(117, dtype="float32")[[116]])
    with tf.GradientTape() as tape:
        value = Loss(AGES, scale=20.0)([0.0], softmax(logits))
    gradient = tape.gradient(value, logits).numpy()[0]
    assert float(value) == pytest.approx(logit + 116 / 20, rel=1e-3)
    assert np.isfinite(gradient).all()
    assert gradient[116] > 0.9
    assert gradient[0] < -0.9


def test_a_number_beyond_the_bins_makes_the_loss_nan_and_a_missing_one_does_not():
    loss, predictions = Loss(range(3)), np.full((2, 3), 1 / 3)
    for beyond in (-0.01, 2.01, np.inf):
        assert np.isnan(float(loss([1.0, beyond], predictions)))
    assert np.isfinite(float(loss([1.0, np.nan], predictions)))
