from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import BinaryHead, LabelError


class TestBinaryHead(HeadChecks):
    heads = [
        BinaryHead(["male", "female"]),
        BinaryHead(["male", "female"], hidden=[4], dropout=0.3, loss_weight=2, label_smoothing=0.1),
        BinaryHead(["male", "female"], class_weight="balanced", label_counts=[1, 3]),
        BinaryHead(["male", "female"], metric="f1", loss="focal", logit_adjustment=0.5, label_counts=[1, 3]),
    ]
    cells = ["female", "male", "male"]
    answers = ["female", "male", "male"]
    unknown = "other"
    missing = [*HeadChecks.missing, -1, -1.0, "-1"]
    raw_missing = [np.array([-1]), np.array([[-1]]), np.array([NAN]), np.array([[NAN]])]

    def targets(self, head, rng, rows=ROWS):
        return rng.integers(-1, 2, size=rows).astype("float32")

    def perfect(self, head, targets):
        return np.maximum(targets, 0).reshape(-1, 1)


def test_targets_are_the_probability_of_the_second_label():
    head = BinaryHead(["male", "female"])
    for cells in (["female", "male"], [1, 0], ["1", "0"], [True, False], np.array([[1], [0]]), np.array([1.0, 0.0])):
        targets = head.encode(cells)
        assert targets.dtype == "float32"
        assert targets.tolist() == [1, 0]


def test_truth_values_go_by_name_where_a_label_is_called_so():
    assert BinaryHead(["True", "False"]).encode([True, False]).tolist() == [0, 1]


def test_soft_labels_are_pairs_and_empty_pairs_are_missing():
    head = BinaryHead()
    np.testing.assert_allclose(head.encode([[1, 3], [0, 0], "yes", None, [NAN, NAN]]), [0.75, -1, 1, -1, -1])
    np.testing.assert_allclose(head.encode(np.array([[1, 0], [0, 1], [-1, -1]])), [0, 1, -1])


def test_a_column_of_targets_is_read_like_a_flat_one():
    head, targets = BinaryHead(), np.array([0.0, 1.0, -1.0, 1.0])
    column = targets[:, None]
    assert head.labelled(column).tolist() == head.labelled(targets).tolist() == [True, True, False, True]
    assert head.class_ids(column).tolist() == [0, 1, 1]
    assert head.strata(column).tolist() == [0, 1, -1, 1]
    predictions = np.array([[0.2], [0.3], [0.9], [0.8]])
    assert head.evaluate(column, predictions) == head.evaluate(targets, predictions)


@pytest.mark.parametrize("labels", ["no", ["no"], ["a", "b", "c"], ["a", "a"]])
def test_labels_that_are_not_two_names_are_refused(labels):
    with pytest.raises(ValueError, match="Expected"):
        BinaryHead(labels)


def test_labels_are_recognised_and_sorted_so_that_no_comes_before_yes():
    assert BinaryHead.from_labels(pd.Series(["yes", "no", "yes"])).labels == ["no", "yes"]
    assert BinaryHead.matches(pd.Series(["1", "0"]))
    assert BinaryHead.matches(pd.Series([1.0, 0.0]))  # as pandas keeps 0 and 1 with gaps
    assert not BinaryHead.matches(pd.Series(["0.5", "1.5"]))
    assert not BinaryHead.matches(pd.Series(["a", "b", "c"]))
    assert not BinaryHead.matches(pd.Series(["a;b", "a"]))


def test_figures_are_those_of_scikit_learn(rng):
    scores = pytest.importorskip("sklearn.metrics")
    head, targets = BinaryHead(), rng.integers(-1, 2, size=200).astype("float32")
    predictions = rng.random((200, 1)).astype("float32")
    known = targets >= 0
    truth, fractions = targets[known], predictions[known, 0]
    figures = head.evaluate(targets, predictions)
    assert figures["accuracy"] == pytest.approx(scores.accuracy_score(truth, fractions >= 0.5))
    assert figures["balanced_accuracy"] == pytest.approx(scores.balanced_accuracy_score(truth, fractions >= 0.5))
    assert figures["macro_f1"] == pytest.approx(scores.f1_score(truth, fractions >= 0.5, average="macro"))
    assert figures["auc"] == pytest.approx(scores.roc_auc_score(truth, fractions))


@pytest.mark.parametrize("decimals", [1, 2, 7])
def test_ties_count_in_the_area_under_the_curve_as_in_scikit_learn(decimals, rng):
    scores = pytest.importorskip("sklearn.metrics")
    truth, predictions = rng.integers(0, 2, 150), rng.random((150, 1)).round(decimals).astype("float32")
    auc = BinaryHead().evaluate(truth.astype("float32"), predictions)["auc"]
    assert auc == pytest.approx(scores.roc_auc_score(truth, predictions[:, 0]), abs=1e-12)


def test_the_area_under_the_curve_of_one_class_is_unknown():
    assert np.isnan(BinaryHead().evaluate(np.ones(3, "float32"), np.full((3, 1), 0.7))["auc"])
    assert np.isnan(BinaryHead().evaluate(np.float32([0, 1]), np.array([[0.7], [np.nan]]))["auc"])


def test_decodes_with_the_probability_of_the_answer():
    decoded = BinaryHead(["male", "female"]).decode(np.array([[0.2], [0.5]], "float32"))
    assert list(decoded["answer"]) == ["male", "female"]
    np.testing.assert_allclose(decoded["probability"], [0.8, 0.5])


def test_balanced_weights_give_both_answers_the_same_sum(rng):
    head = BinaryHead(class_weight="balanced")
    targets = np.array([1, 0, 0, 0, -1, -1], "float32")
    head = head.adapted(targets)
    np.testing.assert_allclose(head.class_weights(), [4 / 6, 2])
    even = np.full((6, 1), 0.5, "float32")
    assert float(head.loss()(targets, even)) == pytest.approx(np.log(2))


def test_a_weighted_answer_weighs_more():
    predictions = np.array([[0.3], [0.3]], "float32")
    loss = BinaryHead(["male", "female"], class_weight={"female": 3}).loss()
    expected = -(3 * np.log(0.3) + np.log(0.7)) / 2
    assert float(loss([1.0, 0.0], predictions)) == pytest.approx(expected, rel=1e-5)


def test_a_number_between_the_answers_is_no_label():
    with pytest.raises(LabelError, match=r"unknown label 0.7"):
        BinaryHead().encode([1, 0.7])
