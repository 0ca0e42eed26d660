from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import LabelError, MultiLabelHead

TAGS = ["hood", "belt", "zip"]


class TestMultiLabelHead(HeadChecks):
    heads = [
        MultiLabelHead(TAGS),
        MultiLabelHead(TAGS, threshold=0.4, hidden=[4], dropout=0.3, loss_weight=2, label_smoothing=0.1),
        MultiLabelHead(TAGS, class_weight="balanced", label_counts=[[1, 2], [3, 4], [5, 0]]),
        MultiLabelHead(TAGS, metric="balanced_accuracy", loss="focal", gamma=1.0),
    ]
    cells = ["hood;zip", "none", "belt", "zip, hood"]
    answers = ["hood;zip", "none", "belt", "hood;zip"]
    unknown = "button"
    missing = [*HeadChecks.missing, -1, -1.0, "-1"]
    raw_missing = [np.full((1, 3), -1), np.full((1, 3), NAN)]

    def targets(self, head, rng, rows=ROWS):
        return rng.integers(-1, 2, size=(rows, 3)).astype("float32")

    def perfect(self, head, targets):
        return np.maximum(targets, 0)


def test_a_cell_is_a_text_a_list_or_a_single_tag():
    head = MultiLabelHead(TAGS)
    for cell in (
        "hood;zip",
        "zip|hood",
        " hood , zip ",
        "hood;zip;",
        ["zip", "hood"],
        ("hood", "zip"),
        {"hood", "zip"},
    ):
        assert head.encode([cell]).tolist() == [[1, 0, 1]]
    assert head.encode(["belt", [], "none", None]).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0], [-1, -1, -1]]
    assert MultiLabelHead(3).encode([1, "0;2", [2], 0.0]).tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_a_tag_may_be_called_none_or_have_a_separator_in_its_name():
    head = MultiLabelHead(["none", "black, white"])
    assert head.encode(["none", "black, white"]).tolist() == [[1, 0], [0, 1]]


def test_a_row_of_zeros_is_a_label_and_tags_are_missing_one_by_one():
    head = MultiLabelHead(TAGS)
    targets = head.encode(np.array([[0, 0, 0], [1, -1, NAN], [-1, -1, -1], [0.5, 0, 1]]))
    np.testing.assert_array_equal(targets, [[0, 0, 0], [1, -1, -1], [-1, -1, -1], [0.5, 0, 1]])
    assert head.labelled(targets).tolist() == [True, True, False, True]
    assert head.strata(targets).tolist() == [[0, 0, 0], [1, -1, -1], [-1, -1, -1], [1, 0, 1]]


def test_a_partly_labelled_row_is_the_mean_over_its_labelled_tags():
    loss, predictions = MultiLabelHead(TAGS).loss(), [[0.9, 0.2, 0.4]]
    assert float(loss([[1, -1, 0]], predictions)) == pytest.approx(-(np.log(0.9) + np.log(0.6)) / 2, rel=1e-5)


def test_arrays_that_are_no_targets_are_refused_with_their_row():
    with pytest.raises(LabelError, match="expected 3 numbers a row, received 2"):
        MultiLabelHead(TAGS).encode(np.zeros((4, 2)))
    with pytest.raises(LabelError, match="row 2: expected numbers from 0 to 1"):
        MultiLabelHead(TAGS).encode(np.array([[0, 0, 0], [1, 0, -1], [0, 5, 0]]))


def test_a_head_made_for_a_column_knows_all_its_tags():
    column = pd.Series(["zip;hood", "none", "belt|zip", "hood;"])
    head = MultiLabelHead.from_labels(column)
    assert head.names == ["belt", "hood", "zip"]
    assert head.encode(column).tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert MultiLabelHead.matches(column)
    assert not MultiLabelHead.matches(pd.Series(["zip", "hood"]))


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0}, {"threshold": 1.0}, {"label_smoothing": 1}, {"class_weight": {"x": 1}}, {"classes": 0}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=r"Expected|Unknown"):
        MultiLabelHead(**{"classes": TAGS, **wrong})


def test_one_tag_is_enough():
    head = MultiLabelHead(["hood"])
    assert head.encode(["hood", "none", ""]).tolist() == [[1], [0], [-1]]
    assert float(head.loss()([[1], [-1]], [[0.5], [0.5]])) == pytest.approx(np.log(2))


def test_weights_of_a_tag_hold_where_it_applies():
    loss, even = MultiLabelHead(TAGS, class_weight={"zip": 4}).loss(), [[0.5, 0.5, 0.5]]
    assert float(loss([[1, 0, 0]], even)) == pytest.approx(np.log(2), rel=1e-5)
    assert float(loss([[1, 0, 1]], even)) == pytest.approx(np.log(2) * 6 / 3, rel=1e-5)


def test_balanced_weights_give_rows_with_and_without_a_tag_the_same_sum():
    head = MultiLabelHead(TAGS, class_weight="balanced")
    targets = np.array([[1, 0, 1], [0, 0, -1], [0, 1, -1], [0, -1, -1]], "float32")
    head = head.adapted(targets)
    assert head.label_counts == [[3, 1], [2, 1], [0, 1]]
    np.testing.assert_allclose(head.loss().tag_weight, [[4 / 6, 2], [3 / 4, 3 / 2], [1, 1]])
    with pytest.raises(ValueError, match="needs the counts of the training labels"):
        MultiLabelHead(TAGS, class_weight="balanced").loss()


def test_f1_is_that_of_scikit_learn_where_nothing_is_missing(rng):
    scores = pytest.importorskip("sklearn.metrics")
    targets, predictions = rng.integers(2, size=(50, 3)), rng.random((50, 3))
    figures = MultiLabelHead(TAGS).evaluate(targets, predictions)
    assert figures["f1"] == pytest.approx(scores.f1_score(targets, predictions >= 0.5, average="macro"))
    assert figures["accuracy"] == pytest.approx((targets == (predictions >= 0.5)).mean())
    everything = scores.f1_score(targets, np.ones_like(targets), average="macro")
    assert figures["baseline"] == pytest.approx(everything)
    fractions = targets.mean(axis=0)
    assert figures["accuracy_baseline"] == pytest.approx(np.maximum(fractions, 1 - fractions).mean())


def test_the_accuracys_baseline_takes_each_tags_more_frequent_value():
    targets = np.array([[1, 0, -1], [1, -1, 1], [0, 1, 0], [-1, -1, -1], [1, 0, 1]])
    figures = MultiLabelHead(TAGS).evaluate(targets, np.full((5, 3), 0.9))
    assert figures["accuracy_baseline"] == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert figures["accuracy"] == pytest.approx((1 / 2 + 1 + 1 / 3 + 2 / 3) / 4)


def test_decodes_with_the_probability_of_the_least_certain_decision():
    decoded = MultiLabelHead(TAGS).decode(np.array([[0.9, 0.2, 0.6], [0.1, 0.2, 0.3]]))
    assert list(decoded["answer"]) == ["hood;zip", "none"]
    np.testing.assert_allclose(decoded["probability"], [0.6, 0.7])


@pytest.mark.parametrize("head", [MultiLabelHead(["a", "b", "c"]), MultiLabelHead(3)])
def test_a_cell_may_say_0_or_1_for_each_tag(head):
    cells = [[1, 0, 1], np.array([0, 0, 1]), "[1, 0, 1]", "1;0;0", [0.2, 0.9, 0], [NAN, -1, 1], [0, 2]]
    expected = [[1, 0, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0], [0.2, 0.9, 0], [-1, -1, 1], [1, 0, 1]]
    assert head.encode(cells) == pytest.approx(np.array(expected, "float32"))


def test_two_numbers_that_may_be_ids_are_refused():
    with pytest.raises(LabelError, match="may name both tags by their ids"):
        MultiLabelHead(["a", "b"]).encode([[1, 0]])
    assert MultiLabelHead(["0", "1"]).encode([[1, 0]]).tolist() == [[1, 1]]
    for cells in (["[1, 0, 1]", "[0, 0, 1]"], ["1;0;1", "0;0;1"]):
        with pytest.raises(ValueError, match="lists of 0 and 1; if they say for each tag"):
            MultiLabelHead.from_labels(pd.Series(cells))


def test_none_means_no_tag_in_any_case():
    head = MultiLabelHead.from_labels(pd.Series(["a;b", "None", "a"]))
    assert head.names == ["a", "b"]
    assert head.encode(["None", "NONE", "none"]).tolist() == [[0, 0]] * 3
    assert MultiLabelHead(["a", "None"]).encode(["None"]).tolist() == [[0, 1]]
