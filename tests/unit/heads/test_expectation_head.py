from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import ExpectationHead, LabelError, RegressionHead


class TestExpectationHead(HeadChecks):
    heads = [
        ExpectationHead((0, 60)),
        ExpectationHead((-1, 70), spread=0, hidden=[4], dropout=0.3, loss_weight=2),
        ExpectationHead(np.linspace(0, 60, 25), spread=np.float32(0.5), expectation_weight=0.25, scale=10),
    ]
    cells = [30, "0", 45.0, " 60 "]
    answers = [30.0, 0.0, 45.0, 60.0]
    unknown = "old"
    raw_missing = [np.array([[NAN]])]

    def targets(self, head, rng, rows=ROWS):
        numbers = rng.choice(head.bins, (rows, 1))
        return np.where(rng.random((rows, 1)) < 0.6, numbers, NAN).astype("float32")

    def perfect(self, head, targets):
        return np.eye(len(head.bins))[np.searchsorted(head.bins, np.nan_to_num(targets[:, 0]))]


def test_the_answer_is_the_exact_expectation(rng):
    head = ExpectationHead([0.0, 0.5, 2.0, 7.0])
    predictions = rng.dirichlet(np.ones(4), 50).astype("float32")
    expected = predictions @ np.array([0, 0.5, 2, 7])
    np.testing.assert_allclose(head.decode(predictions)["answer"], expected, rtol=1e-6)
    assert head.decode(predictions)["answer"].dtype == "float64"


def test_bins_are_whole_numbers_between_a_pair_or_as_listed():
    assert ExpectationHead((3, 6)).bins.tolist() == [3, 4, 5, 6]
    assert ExpectationHead([3.0, 6.0]) == ExpectationHead((3, 6))
    assert ExpectationHead([3, 4.5, 6]).bins.tolist() == [3, 4.5, 6]
    assert len(ExpectationHead((0, 999)).bins) == 1000


NO_BINS = [
    5,
    [],
    [1],
    (5, 5),
    (6, 3),
    (0.5, 2),
    (0, NAN),
    (0, np.inf),
    [0, 2, 1],
    [0, 1, 1],
    [0, 1, NAN],
    [0, 1, np.inf],
]
NO_BINS += ["116", None, (0, 1000), range(1001), (2**30, 2**30 + 9), [[0, 1], [2]]]


@pytest.mark.parametrize("values", NO_BINS, ids=repr)
def test_values_that_are_no_bins_are_refused(values):
    with pytest.raises(ValueError, match="Expected `values` to be a pair of whole numbers"):
        ExpectationHead(values)


@pytest.mark.parametrize(
    "wrong", [{"spread": -1}, {"spread": NAN}, {"expectation_weight": -1}, {"expectation_weight": np.inf}, {"scale": 0}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
        ExpectationHead((0, 116), **wrong)


@pytest.mark.parametrize("cell", [-1, 117, "116.5"])
def test_a_label_beyond_the_bins_is_refused_with_their_range(cell):
    for cells in ([30, None, cell], np.array([[30], [NAN], [float(cell)]])):
        with pytest.raises(LabelError, match=f"row 2: expected a number from 0 to 116, received {cell}"):
            ExpectationHead((0, 116)).encode(cells)


def test_labels_between_bins_and_at_decimal_ends_are_kept():
    head = ExpectationHead(np.linspace(0.1, 0.7, 7))
    np.testing.assert_allclose(head.encode([0.1, 0.123, 0.7])[:, 0], [0.1, 0.123, 0.7], rtol=1e-6)
    assert np.isfinite(float(head.loss()(head.encode([0.1, 0.123, 0.7]), np.full((3, 7), 1 / 7))))


def test_a_column_gets_the_whole_numbers_from_its_smallest_to_its_largest():
    assert ExpectationHead.from_labels(pd.Series(["31", "9", "116"])) == ExpectationHead((9, 116))
    assert ExpectationHead.from_labels(pd.Series([0.5, 2.1])) == ExpectationHead((0, 3))
    assert not ExpectationHead.matches(pd.Series(range(100)))
    with pytest.raises(ValueError, match="expected numbers, received 'old'"):
        ExpectationHead.from_labels(pd.Series(["31", "old"]))


def test_adapting_learns_the_scale_which_score_and_loss_use():
    head, targets = ExpectationHead((0, 116)), np.array([[10], [NAN], [30]], "float32")
    head = head.adapted(targets)
    assert head.scale == 10
    assert head.loss().scale == 10
    assert head.score(10.0) == 0.5
    assert ExpectationHead((0, 116), scale=5).loss().scale == 5


def test_figures_are_those_of_a_regression_head_with_the_same_answers(rng):
    head, same = ExpectationHead((0, 116), scale=20.0), RegressionHead(scale=20.0)
    targets = TestExpectationHead().targets(head, rng)
    predictions = rng.dirichlet(np.ones(117), ROWS)
    answers = head.decode(predictions)["answer"][:, None]
    assert head.evaluate(targets, predictions) == pytest.approx(same.evaluate(targets, answers))
    np.testing.assert_array_equal(head.strata(targets), same.strata(targets))


@pytest.mark.long
@pytest.mark.slow
def test_learns_a_curve_as_well_as_a_regression_head(rng):
    features = rng.normal(size=(600, 3)).astype("float32")
    ages = np.clip(np.round(30 + 25 * np.tanh(features[:, :1] + features[:, 1:2] * features[:, 2:])), 0, 60)
    errors = {}
    for head in (ExpectationHead((0, 60), hidden=[32]), RegressionHead(hidden=[32])):
        keras.utils.set_random_seed(0)
        head = head.adapted(ages)
        inputs = keras.Input((3,))
        model = keras.Model(inputs, head.build_layers(inputs, "age"))
        model.compile(keras.optimizers.Adam(0.01), head.loss())
        model.fit(features, ages, batch_size=50, epochs=30, verbose=0)
        errors[type(head)] = head.evaluate(ages, model.predict_on_batch(features))["mae"]
    assert errors[ExpectationHead] < 2.5
    assert errors[ExpectationHead] < 1.2 * errors[RegressionHead]
