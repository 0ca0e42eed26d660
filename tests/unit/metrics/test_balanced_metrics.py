"""Metrics for rare classes: those of scikit-learn over the labelled rows, however the batches are cut."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from mtlzoo import metrics

ROWS, CLASSES, TAGS = 120, 4, 3
CUTS = [7, 40, 41]


@pytest.fixture(scope="module")
def scores():
    return pytest.importorskip("sklearn.metrics")


@pytest.fixture
def classes(rng):
    """Ids of which a third is missing and one class is rare, and probabilities."""
    ids = rng.choice([-1, 0, 1, 2, 3], size=ROWS, p=[0.3, 0.4, 0.2, 0.08, 0.02])
    return ids, rng.dirichlet(np.ones(CLASSES), ROWS).astype("float32")


@pytest.fixture
def tags(rng):
    targets = np.where(rng.random((ROWS, TAGS)) < 0.6, rng.random((ROWS, TAGS)) < [0.1, 0.5, 0.8], -1).astype("float32")
    return targets, rng.random((ROWS, TAGS)).astype("float32") ** 4


def streamed(metric, targets, predictions, weights=None):
    weights = [None] * (len(CUTS) + 1) if weights is None else np.split(weights, CUTS)
    for batch in zip(np.split(targets, CUTS), np.split(predictions, CUTS), weights):
        metric.update_state(*batch)
    return float(metric.result())


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_classes_are_those_of_scikit_learn(classes, scores, rng, weighted):
    ids, probabilities = classes
    weights = rng.random(ROWS).astype("float32") if weighted else None
    known, answers = ids >= 0, probabilities.argmax(axis=1)
    options = {"sample_weight": weights[known] if weighted else None}
    balanced = streamed(metrics.MaskedBalancedAccuracy(CLASSES), ids, probabilities, weights)
    assert balanced == pytest.approx(scores.balanced_accuracy_score(ids[known], answers[known], **options), rel=1e-5)
    macro = streamed(metrics.MaskedMacroF1(CLASSES), np.eye(CLASSES + 1)[ids][:, :CLASSES], probabilities, weights)
    expected = scores.f1_score(ids[known], answers[known], average="macro", **options)
    assert macro == pytest.approx(expected, rel=1e-5)


def test_of_levels_the_median_counts(classes, scores):
    ids, probabilities = classes
    known, answers = ids >= 0, (probabilities.cumsum(axis=1)[:, :-1] < 0.5).sum(axis=1)
    value = streamed(metrics.MaskedBalancedAccuracy(CLASSES, ordinal=True), ids, probabilities)
    assert value == pytest.approx(scores.balanced_accuracy_score(ids[known], answers[known]), rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_tags_are_the_means_of_scikit_learns(tags, scores, rng, weighted):
    targets, probabilities = tags
    weights = rng.random(ROWS).astype("float32") if weighted else None
    columns = [
        (truth[truth >= 0], answers[truth >= 0], {"sample_weight": weights[truth >= 0] if weighted else None})
        for truth, answers in zip(targets.T, probabilities.T)
    ]
    expected = np.mean([scores.balanced_accuracy_score(truth, p >= 0.5, **options) for truth, p, options in columns])
    value = streamed(metrics.MaskedBinaryBalancedAccuracy(TAGS), targets, probabilities, weights)
    assert value == pytest.approx(expected, rel=1e-5)
    expected = np.mean([scores.roc_auc_score(truth, p, **options) for truth, p, options in columns])
    value = streamed(metrics.MaskedAUC(TAGS), targets, probabilities, weights)
    assert value == pytest.approx(expected, abs=1e-4)


def test_the_area_is_right_where_positives_are_rare_and_keras_is_not(scores, rng):
    targets = (rng.random(20_000) < 0.01).astype("float32")
    logits = rng.normal(size=20_000) - 8 + 2 * targets
    probabilities = (1 / (1 + np.exp(-logits))).astype("float32")[:, None]
    expected = scores.roc_auc_score(targets, probabilities)
    assert float(metrics.MaskedAUC()(targets, probabilities)) == pytest.approx(expected, abs=2e-4)
    assert abs(float(keras.metrics.AUC()(targets[:, None], probabilities)) - expected) > 0.05


def test_ties_count_one_half_and_the_ends_are_bins_of_their_own():
    targets, probabilities = np.array([0, 1, 0, 1, 1]), np.array([[0.0], [0.0], [0.3], [1.0], [0.3]])
    assert float(metrics.MaskedAUC()(targets, probabilities)) == pytest.approx((0.5 + 0 + 1 + 1 + 1 + 0.5) / 6)


def test_what_has_no_rows_of_its_kind_is_left_out():
    one_kind = np.array([[1, 0], [1, 1], [1, -1]]), np.array([[0.9, 0.2], [0.1, 0.7], [0.9, 0.9]])
    assert float(metrics.MaskedAUC(2)(*one_kind)) == 1
    assert float(metrics.MaskedBinaryBalancedAccuracy(2)(*one_kind)) == pytest.approx((2 / 3 + 1) / 2)
    assert np.isnan(float(metrics.MaskedAUC()(np.ones(3), np.full((3, 1), 0.5))))


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        (lambda: metrics.MaskedBalancedAccuracy(CLASSES), np.full(2, -1)),
        (lambda: metrics.MaskedMacroF1(CLASSES), np.full(2, -1)),
        (lambda: metrics.MaskedBinaryBalancedAccuracy(CLASSES), np.full((2, CLASSES), -1)),
        (lambda: metrics.MaskedAUC(CLASSES), np.full((2, CLASSES), np.nan)),
    ],
)
def test_over_no_labelled_row_it_is_unknown_and_the_config_survives_json(make, missing):
    metric = make()
    assert metric.mode == "max"
    assert np.isnan(float(metric(missing, np.full((2, CLASSES), 0.5))))
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
