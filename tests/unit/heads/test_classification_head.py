from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import ClassificationHead, LabelError

NAMES = ["red", "green", "blue"]


class TestClassificationHead(HeadChecks):
    heads = [
        ClassificationHead(NAMES),
        ClassificationHead(NAMES, hidden=[4], dropout=0.3, activation="tanh", loss_weight=2, label_smoothing=0.1),
        ClassificationHead(NAMES, class_weight={"red": 2.0, 1: 0.5}),
        ClassificationHead(NAMES, class_weight="balanced", label_counts=[1, 2, 3]),
        ClassificationHead(NAMES, metric="macro_f1", loss="focal", logit_adjustment=1.0, label_counts=[1, 2, 3]),
    ]
    cells = ["blue", "red", "green", "red"]
    answers = ["blue", "red", "green", "red"]
    unknown = "purple"
    missing = [*HeadChecks.missing, -1, -1.0, "-1"]
    raw_missing = [
        np.array([-1]),
        np.array([[-1]]),
        np.array([NAN]),
        np.zeros((1, 3)),
        np.full((1, 3), -1),
        np.full((1, 3), NAN),
    ]

    def targets(self, head, rng, rows=ROWS):
        return rng.integers(-1, 3, size=rows).astype("int32")

    def perfect(self, head, targets):
        return np.eye(3)[targets]


@pytest.mark.parametrize(
    "row",
    [[0, 0, 0], [-1, -1, -1], [NAN, NAN, NAN], np.zeros(3), (0, 0, 0)],
)
def test_an_empty_one_hot_row_is_missing(row):
    head = ClassificationHead(3)
    targets = head.encode([row, [0, 1, 0]])
    np.testing.assert_array_equal(targets, [[0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(head.encode(np.array([row, [0, 1, 0]])), targets)
    assert head.labelled(targets).tolist() == [False, True]
    assert head.class_ids(targets).tolist() == [1]
    assert head.strata(targets).tolist() == [-1, 1]


def test_soft_labels_stand_beside_hard_ones_and_sum_to_one():
    head = ClassificationHead(NAMES)
    targets = head.encode(["blue", None, [1, 3, 0]])
    np.testing.assert_allclose(targets, [[0, 0, 1], [0, 0, 0], [0.25, 0.75, 0]])
    assert head.strata(targets).tolist() == [2, -1, 1]


@pytest.mark.parametrize("row", [[1, 0], [0.5, -0.5, 1], [np.inf, 0, 0], [0.5, NAN, 0.5], ["a", "b", "c"]])
def test_a_soft_label_that_is_none_is_refused(row):
    with pytest.raises(LabelError, match="row 1: expected a soft label of 3 numbers"):
        ClassificationHead(3).encode([[1, 0, 0], row])


def test_ids_serve_where_no_class_has_a_number_for_its_name():
    for cells in ([2, 0], ["2", "0"], [2.0, 0.0], np.array([2, 0], "uint8"), np.array([[2], [0]])):
        assert ClassificationHead(NAMES).encode(cells).tolist() == [2, 0]
        assert ClassificationHead(3).encode(cells).tolist() == [2, 0]
    for wrong in (3, "3", -2, 1.5):
        with pytest.raises(LabelError, match="unknown label"):
            ClassificationHead(NAMES).encode([wrong])


def test_names_that_are_numbers_are_never_mistaken_for_ids():
    head = ClassificationHead(["1", "2", "3"])
    assert head.encode([1, "2", 3.0, "3.0", "03", None]).tolist() == [0, 1, 2, 2, 2, -1]
    with pytest.raises(LabelError, match="unknown label 0, expected one of: '1', '2', '3'"):
        head.encode([0])
    with pytest.raises(ValueError, match="Unknown class 0 in `class_weight`"):
        ClassificationHead(["1", "2", "3"], class_weight={0: 2.0})


def test_minus_one_is_a_label_where_a_class_is_called_so():
    assert ClassificationHead(["-1", "1"]).encode([-1, 1, "-1"]).tolist() == [0, 1, 0]


def test_truth_values_find_the_class_that_is_called_so():
    assert ClassificationHead(["True", "False"]).encode([True, False]).tolist() == [0, 1]
    assert ClassificationHead(["no", "yes"]).encode([True, False]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["10", "9", "2"], ["2", "9", "10"]),
        ([3.0, 1.0, 3.0], ["1", "3"]),
        (["3.0", "1.0"], ["1.0", "3.0"]),
        (["02", "01"], ["01", "02"]),
        (["3E1", "1E5"], ["3E1", "1E5"]),
        (["b", "a", "10"], ["10", "a", "b"]),
        ([True, False], ["False", "True"]),
    ],
)
def test_a_head_made_for_a_column_knows_all_its_labels(cells, names):
    head = ClassificationHead.from_labels(pd.Series(cells))
    assert head.names == names
    assert (head.encode(pd.Series(cells)) >= 0).all()


def test_whole_numbers_with_gaps_are_read_as_pandas_keeps_them():
    for column in (pd.Series([2, None, 0]), pd.Series([2, None, 0], dtype="Int64")):
        assert ClassificationHead(3).encode(column).tolist() == [2, -1, 0]


@pytest.mark.parametrize("classes", [1, 0, True, "abc", 2.5, None, ["a"], ["a", "a"], [1, "1"], []])
def test_classes_that_cannot_be_are_refused(classes):
    with pytest.raises(ValueError, match="Expected"):
        ClassificationHead(classes)


def test_a_number_of_numpy_is_a_number_of_classes():
    head = ClassificationHead(np.int64(3))
    assert head == ClassificationHead(3)
    assert type(head.get_config()["classes"]) is int


def test_wrong_class_weights_and_smoothing_are_refused():
    for weights in ({"purple": 1.0}, {3: 1.0}, {-1: 1.0}, {"red": -1.0}, {"red": NAN}, [1, 2, 3], "some", np.ones(3)):
        with pytest.raises(ValueError, match="class_weight"):
            ClassificationHead(NAMES, class_weight=weights)
    for smoothing in (-0.1, 1.0):
        with pytest.raises(ValueError, match="label_smoothing"):
            ClassificationHead(NAMES, label_smoothing=smoothing)


def test_class_weights_are_by_name_or_id_and_one_where_not_named():
    for key in ("green", 1, np.int64(1), 1.0, "1"):
        assert ClassificationHead(NAMES, class_weight={key: 3}).class_weights() == [1, 3, 1]


def test_balanced_weights_are_counted_on_labelled_rows_only():
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    ids = np.array([0, 0, 0, 1, 2, 2, -1, -1, -1, -1])
    expected = sklearn.compute_class_weight("balanced", classes=np.arange(3), y=ids[ids >= 0])
    one_hot = np.eye(3)[ids] * (ids >= 0)[:, None]
    for targets in (ids, ids[:, None], np.where(ids < 0, NAN, ids), one_hot):
        head = ClassificationHead(NAMES, class_weight="balanced").adapted(targets)
        np.testing.assert_allclose(head.class_weights(), expected)
    assert head.label_counts == [3, 1, 2]


def test_balanced_weights_leave_out_a_class_that_never_occurs_and_average_to_one():
    targets = np.array([0, 0, 0, 1, 2, -1])
    head = ClassificationHead(4, class_weight="balanced").adapted(targets)
    weights = np.array(head.class_weights())
    assert weights[3] == 1
    assert weights[targets[targets >= 0]].mean() == pytest.approx(1)


def test_balanced_weights_must_be_counted_first():
    with pytest.raises(ValueError, match="needs the counts of the training labels"):
        ClassificationHead(NAMES, class_weight="balanced").loss()


def test_figures_are_those_of_scikit_learn(rng):
    scores = pytest.importorskip("sklearn.metrics")
    head, ids = ClassificationHead(NAMES), rng.integers(-1, 3, size=200)
    predictions = rng.dirichlet(np.ones(3), 200)
    known = ids >= 0
    truth, answers = ids[known], predictions[known].argmax(axis=1)
    figures = head.evaluate(ids, predictions)
    assert figures["accuracy"] == pytest.approx(scores.accuracy_score(truth, answers))
    assert figures["balanced_accuracy"] == pytest.approx(scores.balanced_accuracy_score(truth, answers))
    assert figures["macro_f1"] == pytest.approx(scores.f1_score(truth, answers, average="macro"))
    assert figures["baseline"] == pytest.approx(np.bincount(truth).max() / len(truth))
    np.testing.assert_array_equal(head.confusion(ids, predictions)[0], scores.confusion_matrix(truth, answers))


def test_a_weight_of_the_class_weights_the_loss(rng):
    ids, predictions = np.array([0, 1, 2, -1]), rng.dirichlet(np.ones(3), 4).astype("float32")
    loss = ClassificationHead(NAMES, class_weight={"red": 2.0, "blue": 0.0}).loss()
    expected = -np.array([2, 1, 0]) @ np.log(predictions[np.arange(3), np.arange(3)]) / 3
    assert float(loss(ids, predictions)) == pytest.approx(expected, rel=1e-5)


def test_a_cell_that_no_label_can_be_is_refused_with_its_row():
    with pytest.raises(LabelError, match="unknown label") as caught:
        ClassificationHead(["a", "b"]).encode(["a", {"a": 1}])
    assert caught.value.row == 1
