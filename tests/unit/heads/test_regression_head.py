from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import LabelError, RegressionHead


class TestRegressionHead(HeadChecks):
    heads = [
        RegressionHead(mean=30.0, scale=10.0),
        RegressionHead(loss="mae", hidden=[4], dropout=0.3, loss_weight=2),
        RegressionHead(loss="mse", mean=np.float32(1.5), scale=2),
    ]
    cells = [31.5, -1, 0, 44]
    answers = [31.5, -1.0, 0.0, 44.0]
    unknown = "old"
    raw_missing = [np.array([[NAN]])]

    def targets(self, head, rng, rows=ROWS):
        numbers = rng.normal(30, 10, (rows, head.units))
        return np.where(rng.random(numbers.shape) < 0.6, numbers, NAN).astype("float32")

    def perfect(self, head, targets):
        return np.nan_to_num(targets)


class TestRegressionHeadOfSeveralNumbers(TestRegressionHead):
    heads = [RegressionHead(units=2, mean=30.0, scale=10.0)]
    cells = ["31.5;2", "-1; 0", "3;4"]
    answers = [[31.5, 2.0], [-1.0, 0.0], [3.0, 4.0]]
    unknown = "1;2;3"
    raw_missing = [np.array([[NAN, NAN]])]


def test_numbers_may_come_as_texts_numbers_lists_or_nullable_columns():
    head = RegressionHead()
    expected = np.array([[1.5], [NAN], [-3.0]], "float32")
    for cells in (
        ["1.5", "", " -3 "],
        [1.5, None, -3],
        [[1.5], None, [-3]],
        pd.Series([1.5, None, -3], dtype="Float64"),
        pd.Series([1.5, None, -3], dtype="category"),
        np.array([1.5, NAN, -3]),
        np.array([[1.5], [NAN], [-3]]),
    ):
        targets = head.encode(cells)
        assert targets.dtype == "float32"
        np.testing.assert_array_equal(targets, expected)
    assert RegressionHead().encode(pd.Series([1, None], dtype="Int64")).shape == (2, 1)


def test_each_of_several_numbers_may_be_missing_by_itself():
    head = RegressionHead(2)
    targets = head.encode(["1;2", "3;", [None, 4], None, ""])
    np.testing.assert_array_equal(targets, [[1, 2], [3, NAN], [NAN, 4], [NAN, NAN], [NAN, NAN]])
    assert head.labelled(targets).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("cell", ["old", "1;2", [1, 2], "12,5", {}, "inf", float("-inf"), 1e300, "1e300"])
def test_a_cell_that_is_no_finite_number_is_refused(cell):
    with pytest.raises(LabelError, match="row 1: expected"):
        RegressionHead().encode([1, cell])


def test_a_number_too_large_for_a_column_is_refused():
    with pytest.raises(LabelError, match="row 1: expected a finite number"):
        RegressionHead().encode(np.array([1, 1e300]))


def test_arrays_of_another_width_are_refused():
    with pytest.raises(LabelError, match="expected 2 numbers a row, received 3"):
        RegressionHead(2).encode(np.zeros((4, 3)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": 0},
        {"units": 1.0},
        {"loss": "l2"},
        {"scale": 0},
        {"scale": -1},
        {"scale": NAN},
        {"scale": np.inf},
        {"mean": NAN},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
        RegressionHead(**wrong)


def test_adapting_learns_mean_and_spread_of_labelled_numbers_where_they_were_not_given():
    targets = np.array([[10], [NAN], [20], [30]], "float32")
    head = RegressionHead().adapted(targets)
    assert (head.mean, head.scale) == (20, pytest.approx(np.std([10, 20, 30])))
    given = RegressionHead(mean=5, scale=1).adapted(targets)
    assert (given.mean, given.scale) == (5, 1)
    half = RegressionHead(mean=5).adapted(targets)
    assert (half.mean, half.scale) == (5, head.scale)


def test_adapting_to_the_same_number_everywhere_divides_by_one():
    head = RegressionHead().adapted(np.full((5, 1), 7.0, "float32"))
    assert (head.mean, head.scale) == (7, 1)


@pytest.mark.parametrize("adapt_first", [True, False])
def test_the_network_starts_near_the_mean_whether_adapted_before_or_after_it_is_built(adapt_first, rng):
    head, targets = RegressionHead(), rng.normal(1000, 50, (100, 1)).astype("float32")
    inputs = keras.Input((6,))
    if adapt_first:
        head = head.adapted(targets)
    model = keras.Model(inputs, head.build_layers(inputs, "price"))
    if not adapt_first:
        head = head.adapted(targets)
        head.update(model.get_layer("price"))
    features = rng.normal(size=(20, 6)).astype("float32")
    scaled = model.get_layer("price_scaled")(features)
    np.testing.assert_allclose(model(features), scaled * targets.std() + targets.mean(), rtol=1e-5)
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(features), model(features), rtol=1e-6)


def test_the_loss_is_that_of_differences_in_units_of_the_scale():
    for loss, expected in {"mae": 3.0, "mse": 9.0, "huber": 2.5}.items():
        head = RegressionHead(loss=loss, mean=0, scale=10)
        assert float(head.loss()([[0.0]], [[30.0]])) == pytest.approx(expected)


def test_a_number_of_scale_does_not_change_what_is_learned(rng):
    targets, predictions = rng.normal(size=(2, 30, 1))
    for loss in ("mae", "mse", "huber"):
        small = RegressionHead(loss=loss, scale=1.0).loss()(targets, predictions)
        large = RegressionHead(loss=loss, scale=1000.0).loss()(targets * 1000, predictions * 1000)
        assert float(small) == pytest.approx(float(large), rel=1e-4)


def test_figures_are_those_of_scikit_learn(rng):
    scores = pytest.importorskip("sklearn.metrics")
    head, numbers = RegressionHead(scale=2.0), rng.normal(5, 2, (100, 1))
    targets, predictions = np.where(rng.random((100, 1)) < 0.7, numbers, NAN), numbers + rng.normal(size=(100, 1))
    known = ~np.isnan(targets)
    figures = head.evaluate(targets, predictions)
    assert figures["mae"] == pytest.approx(scores.mean_absolute_error(targets[known], predictions[known]))
    assert figures["r2"] == pytest.approx(scores.r2_score(targets[known], predictions[known]))
    assert figures["baseline"] == pytest.approx(np.abs(targets[known] - targets[known].mean()).mean())
    assert figures["score"] == pytest.approx(2 / (2 + figures["mae"]))


def test_strata_are_tenths_of_the_ranks(rng):
    strata = RegressionHead().strata(rng.permutation(100).astype("float32")[:, None])
    assert np.bincount(strata).tolist() == [10] * 10


def test_columns_of_quantities_are_recognised_and_numbered_classes_are_not():
    assert RegressionHead.matches(pd.Series(["1.5", "2"]))
    assert RegressionHead.matches(pd.Series(range(30)))
    assert not RegressionHead.matches(pd.Series([0, 1, 2, 1]))
    assert not RegressionHead.matches(pd.Series(["1.5", "old"]))
    assert RegressionHead.from_labels(pd.Series(["1.5"])) == RegressionHead()


def test_digits_with_a_line_between_are_no_number():
    with pytest.raises(LabelError, match="expected 1 number, received '1_000'"):
        RegressionHead().encode(["5", "1_000"])
