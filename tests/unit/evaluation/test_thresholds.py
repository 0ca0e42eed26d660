"""Thresholds are the best of all that there are, by whatever was asked for, and few rows make none."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from mtlzoo.evaluation.thresholds import by_costs, by_f1, by_precision, by_recall, count


@pytest.fixture
def rows(rng) -> tuple[np.ndarray, np.ndarray]:
    probabilities = rng.random(400).round(2).astype("float32")  # many are equal
    return probabilities, rng.random(400) < probabilities**2


def test_counts_are_those_of_scikit_learn(rows):
    probabilities, truth = rows
    counts = count(probabilities, truth)
    for threshold, f1, recall, precision in list(zip(counts.thresholds, counts.f1, counts.recall, counts.precision))[
        ::12
    ]:
        told = probabilities >= threshold
        assert f1 == pytest.approx(metrics.f1_score(truth, told))
        assert recall == pytest.approx(metrics.recall_score(truth, told))
        if told.any():
            assert precision == pytest.approx(metrics.precision_score(truth, told))


def test_no_other_threshold_is_better(rows):
    probabilities, truth = rows
    every = count(probabilities, truth, np.linspace(0.001, 0.999, 999))
    for rule, value in (
        (by_f1, lambda counts: counts.f1),
        (by_costs({"miss": 10, "false alarm": 1}), lambda counts: -counts.cost({"miss": 10, "false alarm": 1})),
        (by_precision(0.6), lambda counts: np.where(counts.precision >= 0.6, counts.recall, -1)),
    ):
        choice = rule(probabilities, truth, 0.5)
        chosen = count(probabilities, truth, np.array([choice.threshold]))
        assert value(chosen)[0] == pytest.approx(np.nanmax(value(every)))
        assert 0 < choice.threshold < 1
        assert choice.note == ""


def test_misses_cost_more_and_so_more_is_found(rows):
    many, few = (by_costs({"miss": miss, "false alarm": 1})(*rows, 0.5).threshold for miss in (20, 0.2))
    assert many < 0.3 < few


def test_rows_to_come_are_found_as_often_as_was_asked_for(rng):
    found, asked = [], 0.9
    for _ in range(200):
        probabilities = rng.beta(2, 2, 60)
        truth = np.arange(60) < 25
        threshold = by_recall(asked)(probabilities, truth, 0.5).threshold
        found.append((rng.beta(2, 2, 500) >= threshold).mean())  # rows of yes, drawn alike
    assert asked - 0.01 < np.mean(found) < 0.96


def test_equal_thresholds_stay_where_they_are():
    probabilities, truth = np.repeat([0.1, 0.9], 20), np.repeat([False, True], 20)
    assert by_f1(probabilities, truth, 0.5).threshold == 0.5
    assert by_f1(np.repeat([0.6, 0.7], 20), truth, 0.5).threshold == pytest.approx(0.65)


def test_few_rows_make_no_threshold():
    probabilities, truth = np.linspace(0.1, 0.9, 30), np.arange(30) < 4
    assert by_f1(probabilities, truth, 0.5).threshold is None
    assert by_f1(probabilities, truth, 0.5).note == "4 rows of yes and 26 of no, expected 10 of each"
    assert by_recall(0.9)(probabilities, truth, 0.5).note == "a recall of 0.9 needs 9 rows of yes, there are 4"
    assert by_precision(0.9)(probabilities, truth, 0.5).threshold is None
    choice = by_costs({"miss": 3, "false alarm": 1})(probabilities, truth, 0.5)
    assert choice.threshold == 0.25
    assert choice.note.startswith("from the costs alone: 4 rows of yes")
    assert by_f1(np.zeros(0), np.zeros(0, bool), 0.5).threshold is None


def test_a_precision_that_is_not_to_be_had_is_said():
    probabilities, truth = np.linspace(0.1, 0.9, 40), np.arange(40) % 2 == 0
    choice = by_precision(0.99)(probabilities, truth, 0.5)
    assert choice.threshold is None
    assert choice.note.startswith("no threshold has a precision of 0.99, the best has 0.5")


def test_no_threshold_finds_what_has_no_probability_at_all():
    probabilities, truth = np.repeat([0.0, 0.4, 0.9], 20), np.arange(60) % 2 == 0
    choice = by_recall(0.9)(probabilities, truth, 0.5)
    assert choice.threshold is None
    assert choice.note == "too many rows of yes have a probability of 0"
