"""Sets and intervals are those of split conformal prediction, as MAPIE makes them, and fit into a file."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.heads.conformal import (
    Conformal,
    class_scores,
    conformal_quantile,
    fit_conformal,
    prediction_intervals,
    prediction_sets,
)

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def probabilities(rng) -> np.ndarray:
    return rng.dirichlet([0.5] * 4, 300).astype("float32")


@pytest.fixture
def ids(rng, probabilities) -> np.ndarray:
    return np.array([rng.choice(4, p=row / row.sum()) for row in probabilities.astype("float64")])


@pytest.mark.parametrize("score", ["lac", "aps"])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_sets_of_classes_are_those_of_mapie(probabilities, ids, score, level):
    mapie = pytest.importorskip("mapie.classification", reason="needs the package mapie")
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(4)

        def fit(self, rows, y):
            return self

        def predict_proba(self, rows):
            return rows

        def predict(self, rows):
            return rows.argmax(axis=1)

        def __sklearn_is_fitted__(self):
            return True

    class NoLots(np.random.RandomState):
        def uniform(self, *arguments, size=None, **options):
            return np.zeros(size)

    probabilities = probabilities / probabilities.astype("float64").sum(axis=1, keepdims=True)
    given, others = probabilities[:200], probabilities[200:]
    theirs = mapie.SplitConformalClassifier(Given(), level, conformity_score=score, random_state=NoLots(0))
    theirs.conformalize(given, ids[:200])
    _, sets = theirs.predict_set(others, {"include_last_label": False})
    head = mtl.ClassificationHead(NAMES)
    fitted = fit_conformal(head, given, ids[:200], level, score)
    # MAPIE's APS has no empty sets either.
    np.testing.assert_array_equal(prediction_sets(head, others, fitted, with_answer=score == "aps"), sets[..., 0])
    assert fitted.quantiles == pytest.approx(tuple(theirs._mapie_classifier.conformity_score_function_.quantiles_))


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_of_numbers_are_those_of_mapie(rng, level):
    mapie = pytest.importorskip("mapie.regression", reason="needs the package mapie")
    from sklearn.linear_model import LinearRegression

    x, head = rng.normal(size=(150, 1)), mtl.RegressionHead()
    y = (3 * x[:, 0] + rng.normal(size=150)).astype("float32")
    line = LinearRegression().fit(x[:50], y[:50])
    theirs = mapie.SplitConformalRegressor(line, level, prefit=True).conformalize(x[50:], y[50:])
    answers, intervals = theirs.predict_interval(x[:50])
    fitted = fit_conformal(head, line.predict(x[50:])[:, None], y[50:, None], level, "residual")
    low, high = prediction_intervals(head, answers[:, None], fitted)
    np.testing.assert_allclose(np.concatenate([low, high], axis=1), intervals[..., 0], rtol=1e-5)


def test_quantiles_are_whole_rows_and_infinite_where_there_are_too_few():
    scores = np.arange(1.0, 20.0)
    assert [conformal_quantile(scores, level) for level in (0.05, 0.5, 0.9, 0.95)] == [1, 10, 18, 19]
    assert conformal_quantile(scores, 0.951) == math.inf
    assert conformal_quantile(scores[:18], 0.95) == math.inf
    assert conformal_quantile(np.zeros(0), 0.5) == math.inf


def test_each_class_has_its_rows_and_a_rare_one_is_in_every_set(probabilities, ids):
    head = mtl.ClassificationHead(NAMES)
    targets = np.where((ids == 3) & (np.cumsum(ids == 3) > 8), -1, ids)  # eight rows of d, the others without label
    fitted = fit_conformal(head, probabilities, targets, 0.9, "lac", by_class=True)
    assert fitted.rows == tuple((targets == one).sum() for one in range(4))
    for one in range(3):
        alone = fit_conformal(head, probabilities[targets == one], targets[targets == one], 0.9, "lac")
        assert fitted.quantiles[one] == alone.quantiles[0]
    assert fitted.quantiles[3] == math.inf
    assert prediction_sets(head, probabilities, fitted)[:, 3].all()
    assert Conformal.from_config(json.loads(json.dumps(fitted.get_config())), head) == fitted


@pytest.mark.parametrize("score", ["lac", "aps"])
@pytest.mark.parametrize("by_class", [False, True])
def test_sets_of_levels_have_no_gaps_and_hold_the_prediction(probabilities, ids, score, by_class):
    head, plain = mtl.OrdinalHead(NAMES), mtl.ClassificationHead(NAMES)
    fitted = fit_conformal(head, probabilities, ids, 0.6, score, by_class)
    sets = prediction_sets(head, probabilities, fitted)
    edges = np.diff(np.pad(sets.astype(int), ((0, 0), (1, 1))), axis=1)
    assert ((edges == 1).sum(axis=1) == 1).all()
    assert sets[np.arange(300), head.answers(probabilities)].all()
    bare = prediction_sets(head, probabilities, fitted, with_answer=False)[np.arange(300), ids]
    assert bare.mean() >= 0.6
    if not by_class:  # the smallest ones without gaps around the sets of classes
        classes = class_scores(plain, probabilities, score) <= fitted.quantiles[0]
        hull = np.maximum.accumulate(classes, 1) & np.maximum.accumulate(classes[:, ::-1], 1)[:, ::-1]
        np.testing.assert_array_equal(class_scores(head, probabilities, score) <= fitted.quantiles[0], hull)


def test_two_labels_are_two_classes():
    head, outputs = mtl.BinaryHead(), np.array([[0.9], [0.55], [0.1]], "float32")
    fitted = Conformal(0.9, "lac", (0.5,), (99,))
    assert prediction_sets(head, outputs, fitted).tolist() == [[False, True], [False, True], [True, False]]
    wide = Conformal(0.9, "lac", (0.6,), (99,))
    assert prediction_sets(head, outputs, wide).tolist() == [[False, True], [True, True], [True, False]]


def test_intervals_are_as_wide_as_a_distribution_over_bins_and_stay_within_it(rng):
    head = mtl.ExpectationHead((0, 10))
    narrow, broad = np.eye(11)[5], np.full(11, 1 / 11)
    outputs = np.stack([narrow, broad]).astype("float32")
    fitted = Conformal(0.9, "scaled residual", (1.0,), (99,))
    low, high = prediction_intervals(head, outputs, fitted)
    np.testing.assert_allclose((high - low)[:, 0] / 2, [np.sqrt(1 / 12), np.sqrt(10 + 1 / 12)], rtol=1e-6)
    low, high = prediction_intervals(head, outputs, Conformal(0.9, "scaled residual", (math.inf,), (3,)))
    assert (low == 0).all()
    assert (high == 10).all()


def test_several_numbers_have_an_interval_each_from_what_is_labelled():
    head = mtl.RegressionHead(2)
    targets = np.array([[1.0, np.nan], [2.0, 5.0], [np.nan, np.nan], [3.0, 9.0]])
    fitted = fit_conformal(head, np.zeros((4, 2)), targets, 0.5, "residual")
    assert fitted.rows == (3, 2)
    assert fitted.quantiles == (2.0, 9.0)


@pytest.mark.parametrize(
    "config",
    [
        [],
        {"level": 0.9},
        {"level": 1.5, "score": "lac", "quantiles": [0.1], "rows": [9]},
        {"level": 0.9, "score": "residual", "quantiles": [0.1], "rows": [9]},
        {"level": 0.9, "score": "lac", "quantiles": [0.1, 0.2], "rows": [9, 9]},
        {"level": 0.9, "score": "lac", "quantiles": ["x"], "rows": [9]},
        {"level": 0.9, "score": "lac", "quantiles": [0.1], "rows": None},
    ],
)
def test_what_is_no_such_thing_is_refused(config):
    with pytest.raises(ValueError, match="Expected"):
        Conformal.from_config(config, mtl.ClassificationHead(NAMES))
