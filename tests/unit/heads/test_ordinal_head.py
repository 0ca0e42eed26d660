from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import OrdinalHead

LEVELS = ["short", "knee", "calf", "floor"]


class TestOrdinalHead(HeadChecks):
    heads = [
        OrdinalHead(LEVELS),
        OrdinalHead(LEVELS, hidden=[4], dropout=0.3, loss_weight=2, class_weight={"knee": 2.0}),
        OrdinalHead(LEVELS, metric="balanced_accuracy"),
    ]
    cells = ["floor", "short", "calf", "knee"]
    answers = ["floor", "short", "calf", "knee"]
    unknown = "ankle"
    missing = [*HeadChecks.missing, -1, -1.0, "-1"]
    raw_missing = [np.array([-1]), np.array([[NAN]]), np.zeros((1, 4)), np.full((1, 4), -1), np.full((1, 4), NAN)]

    def targets(self, head, rng, rows=ROWS):
        return rng.integers(-1, 4, size=rows).astype("int32")

    def perfect(self, head, targets):
        return np.eye(4)[targets]


class TestOrdinalHeadWithSoftLabels(TestOrdinalHead):
    heads = [OrdinalHead(LEVELS)]

    def targets(self, head, rng, rows=ROWS):
        return (rng.dirichlet(np.full(4, 0.5), rows) * (rng.random((rows, 1)) < 0.7)).astype("float32")

    def perfect(self, head, targets):
        if targets.ndim == 1:
            return super().perfect(head, targets)
        return np.eye(4)[(targets.cumsum(axis=1)[:, :-1] < 0.5).sum(axis=1)]


def test_the_output_is_a_distribution_so_that_cumulative_probabilities_rise(rng):
    checks = TestOrdinalHead()
    predictions = checks.predictions(checks.heads[0], rng)
    np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)
    assert (np.diff(predictions.cumsum(axis=1)) >= 0).all()


def test_the_answer_is_the_median_level():
    decoded = OrdinalHead(LEVELS).decode(np.array([[0.4, 0.35, 0.15, 0.1]]))
    assert list(decoded["answer"]) == ["knee"]
    np.testing.assert_allclose(decoded["probability"], [0.35])


def test_confusion_and_accuracy_judge_the_answer_that_is_given():
    head, predictions = OrdinalHead(LEVELS), np.array([[0.4, 0.35, 0.15, 0.1]])
    matrix, names = head.confusion(np.array([1]), predictions)
    assert names == LEVELS
    assert matrix[1, 1] == 1
    assert head.evaluate(np.array([1]), predictions)["accuracy"] == 1


def test_a_soft_label_is_judged_by_its_median():
    head = OrdinalHead(LEVELS)
    targets = head.encode([[0.4, 0.35, 0.25, 0], "short", None])
    assert head.class_ids(targets).tolist() == [1, 0]
    assert head.strata(targets).tolist() == [1, 0, -1]


def test_the_baseline_is_the_median_label_and_the_score_the_share_of_the_scale():
    head, targets = OrdinalHead(5), np.array([0, 0, 1, 4, -1])
    figures = head.evaluate(targets, np.eye(5)[[0, 0, 1, 0, 0]])
    assert figures["value"] == 1.0
    assert figures["baseline"] == pytest.approx(np.abs(np.array([0, 0, 1, 4]) - 0.5).mean())
    assert figures["score"] == 0.75


def test_levels_are_given_in_their_order_and_for_a_column_in_sorted_order():
    assert OrdinalHead(LEVELS).levels == LEVELS
    assert OrdinalHead(3).levels == 3
    assert OrdinalHead.from_labels(pd.Series(["10", "9", "2"])).names == ["2", "9", "10"]
    assert not OrdinalHead.matches(pd.Series(["1", "2", "3"]))


def test_a_far_miss_costs_more_than_a_near_one():
    loss = OrdinalHead(LEVELS).loss()
    costs = [float(loss([0], [np.eye(4)[answer] * 0.8 + 0.05])) for answer in range(4)]
    assert costs == sorted(costs)
