from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from mtlzoo import metrics

NAN = float("nan")
ROWS, CLASSES = 50, 4


# === The truth in plain numpy, over the labelled rows of a whole set at once ===


def accuracy(targets, predictions, weights):
    known = targets.any(axis=1)
    right = targets[known].argmax(axis=1) == predictions[known].argmax(axis=1)
    return np.average(right, weights=weights[known])


def median(probabilities):
    return (np.cumsum(probabilities, axis=1) < 0.5).sum(axis=1)


def ordinal_error(targets, predictions, weights):
    known = targets.any(axis=1)
    return np.average(np.abs(targets[known].argmax(axis=1) - median(predictions[known])), weights=weights[known])


def ordinal_accuracy(targets, predictions, weights):
    known = targets.any(axis=1)
    return np.average(targets[known].argmax(axis=1) == median(predictions[known]), weights=weights[known])


def of_rows(values, known, weights):
    rows = known.any(axis=1)
    return np.average([value[k].mean() for value, k in zip(values[rows], known[rows])], weights=weights[rows])


def tag_accuracy(targets, predictions, weights):
    return of_rows((targets == 1) == (predictions >= 0.5), targets >= 0, weights)


def absolute_error(targets, predictions, weights):
    return of_rows(np.abs(targets - predictions), ~np.isnan(targets), weights)


def expectation_error(targets, predictions, weights):
    return absolute_error(targets, predictions @ np.arange(CLASSES)[:, None], weights)


def overlap(targets, predictions):
    both = np.maximum(np.minimum(targets, predictions)[:, 2:] - np.maximum(targets, predictions)[:, :2], 0).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (targets, predictions)]
    return both / (areas[0] + areas[1] - both)


def mean_iou(targets, predictions, weights):
    known = ~np.isnan(targets).any(axis=1)
    return np.average(overlap(targets, predictions)[known], weights=weights[known])


def iou_share(targets, predictions, weights):
    known = ~np.isnan(targets).any(axis=1)
    return np.average(overlap(targets, predictions)[known] > 0.2, weights=weights[known])


def squared_error(targets, predictions, weights):
    known = ~np.isnan(targets).any(axis=1)
    return np.average(np.square(targets - predictions).mean(axis=1)[known], weights=weights[known])


def first_accuracy(targets, predictions, weights):
    known = ~np.isnan(targets).any(axis=1)
    right = (targets[:, 0] >= 0.5) == (predictions[:, 0] >= 0.5)
    return np.average(right[known], weights=weights[known])


def macro_f1(targets, predictions, weights):
    scores = []
    for truth, answer in zip(targets.T, predictions.T >= 0.5):
        known = truth >= 0
        truth, answer, weight = truth[known] == 1, answer[known], weights[known]
        hits, misses, alarms = (weight[mask].sum() for mask in (truth & answer, truth & ~answer, ~truth & answer))
        if hits + misses + alarms:
            scores.append(2 * hits / (2 * hits + misses + alarms))
    return np.mean(scores)


CASES = {
    "accuracy": (lambda: metrics.MaskedCategoricalAccuracy(CLASSES), "classes", accuracy),
    "ordinal error": (lambda: metrics.MaskedOrdinalError(CLASSES), "classes", ordinal_error),
    "ordinal accuracy": (lambda: metrics.MaskedOrdinalAccuracy(CLASSES), "classes", ordinal_accuracy),
    "tag accuracy": (lambda: metrics.MaskedBinaryAccuracy(3), "tags", tag_accuracy),
    "f1": (lambda: metrics.MaskedF1(3), "tags", macro_f1),
    "mae": (lambda: metrics.MaskedMeanAbsoluteError(3), "numbers", absolute_error),
    "mean iou": (lambda: metrics.MaskedMeanIoU(), "boxes", mean_iou),
    "iou share": (lambda: metrics.MaskedIoUFraction(0.2), "boxes", iou_share),
    "scaled squared error": (lambda: metrics.MaskedScaledSquaredError([1] * 4), "boxes", squared_error),
    "first accuracy": (lambda: metrics.MaskedFirstAccuracy(0.5, 4), "boxes", first_accuracy),
    "expectation error": (lambda: metrics.MaskedExpectationError(range(CLASSES)), "binned", expectation_error),
}


@pytest.fixture(params=CASES)
def every(request, rng):
    make, kind, truth = CASES[request.param]
    if kind == "classes":
        targets = np.eye(CLASSES)[rng.integers(CLASSES, size=ROWS)] * (rng.random((ROWS, 1)) < 0.6)
        predictions = rng.dirichlet(np.ones(CLASSES), ROWS)
    elif kind == "binned":
        targets = np.where(rng.random((ROWS, 1)) < 0.6, rng.integers(CLASSES, size=(ROWS, 1)), NAN)
        predictions = rng.dirichlet(np.ones(CLASSES), ROWS)
    elif kind == "boxes":
        low, sides = rng.random((2, ROWS, 2)), rng.uniform(0.2, 0.8, (2, ROWS, 2))
        targets, predictions = np.concatenate([low, low + sides], axis=-1)
        targets = np.where(rng.random((ROWS, 1)) < 0.6, targets, NAN)
    elif kind == "tags":
        targets = np.where(rng.random((ROWS, 3)) < 0.5, rng.integers(2, size=(ROWS, 3)), -1)
        predictions = rng.random((ROWS, 3))
    else:
        targets = np.where(rng.random((ROWS, 3)) < 0.5, rng.normal(5, 3, (ROWS, 3)), NAN)
        predictions = rng.normal(5, 3, (ROWS, 3))
    return make, targets.astype("float32"), predictions.astype("float32"), truth


def streamed(metric, targets, predictions, cuts, weights=None):
    weights = [None] * (len(cuts) + 1) if weights is None else np.split(weights, cuts)
    for batch in zip(np.split(targets, cuts), np.split(predictions, cuts), weights):
        metric.update_state(*batch)
    return float(metric.result())


# === Every metric ===


def test_is_numpys_figure_over_the_whole_set_whatever_the_batches(every, rng):
    make, targets, predictions, truth = every
    expected = truth(targets, predictions, np.ones(ROWS))
    for _ in range(5):
        cuts = np.sort(rng.integers(1, ROWS, size=rng.integers(0, 12)))  # some batches are empty
        assert streamed(make(), targets, predictions, cuts) == pytest.approx(expected, rel=1e-5)


def test_sample_weights_weigh_the_figure(every, rng):
    make, targets, predictions, truth = every
    weights = rng.random(ROWS).astype("float32")
    expected = truth(targets, predictions, weights)
    assert streamed(make(), targets, predictions, [7, 20], weights) == pytest.approx(expected, rel=1e-5)
    assert streamed(make(), targets, predictions, [7, 20], weights[:, None]) == pytest.approx(expected, rel=1e-5)


def test_rows_of_weight_zero_take_no_part_nor_does_the_weight_of_a_missing_row(every, rng):
    make, targets, predictions, truth = every
    weights = rng.integers(2, size=ROWS).astype("float32")
    kept = weights > 0
    expected = truth(targets[kept], predictions[kept], np.ones(kept.sum()))
    unlabelled = ~(targets.any(axis=1) if targets.shape[1] == CLASSES else (targets >= -1).any(axis=1))
    weights[unlabelled] = NAN
    assert streamed(make(), targets, predictions, [7, 20], weights) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_labels_changes_nothing_and_nothing_else_is_unknown(every):
    make, targets, predictions, _ = every
    missing = np.full_like(targets, NAN)
    metric = make()
    metric.update_state(missing, predictions)
    assert np.isnan(float(metric.result()))
    metric.update_state(targets, predictions)
    known = float(metric.result())
    metric.update_state(missing, predictions)
    assert float(metric.result()) == known
    metric.reset_state()
    assert np.isnan(float(metric.result()))


def test_a_perfect_answer_is_best_and_the_mode_says_which_way_that_is(every):
    make, targets, predictions, _ = every
    perfect = np.where(np.isnan(targets), 0, np.maximum(targets, 0)).astype("float32")
    if np.isnan(targets).any():
        perfect = np.nan_to_num(targets)
    if targets.shape != predictions.shape:
        perfect = np.eye(CLASSES, dtype="float32")[perfect[:, 0].astype(int)]
    best, usual = (float(make()(targets, answers)) for answers in (perfect, predictions))
    assert best == (1 if make().mode == "max" else 0)
    assert usual < best if make().mode == "max" else usual > best


def test_targets_and_predictions_may_be_lists_or_of_any_float_type(every):
    make, targets, predictions, _ = every
    whole = float(make()(targets, predictions))
    assert float(make()(targets.tolist(), predictions.tolist())) == pytest.approx(whole)
    assert float(make()(targets.astype("float64"), predictions.astype("float64"))) == pytest.approx(whole)


def test_config_survives_json(every):
    make, targets, predictions, _ = every
    metric = make()
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert float(again(targets, predictions)) == float(metric(targets, predictions))


# === What plain Keras does ===


def test_keras_can_count_an_all_zero_row_as_right():
    targets, predictions = np.array([[0, 1], [0, 0]], "float32"), np.array([[0.9, 0.1], [0.9, 0.1]], "float32")
    assert float(keras.metrics.CategoricalAccuracy()(targets, predictions)) == 0.5
    assert float(metrics.MaskedCategoricalAccuracy(2)(targets, predictions)) == 0.0


def test_keras_counts_minus_one_as_wrong():
    targets, predictions = np.array([1, -1]), np.array([[0.1, 0.9], [0.1, 0.9]], "float32")
    assert float(keras.metrics.SparseCategoricalAccuracy()(targets, predictions)) == 0.5
    assert float(metrics.MaskedCategoricalAccuracy(2)(targets, predictions)) == 1.0


def test_keras_mean_absolute_error_is_nan_where_a_number_is_missing():
    targets, predictions = np.array([[NAN], [1.0]], "float32"), np.array([[5.0], [3.0]], "float32")
    assert np.isnan(float(keras.metrics.MeanAbsoluteError()(targets, predictions)))
    assert float(metrics.MaskedMeanAbsoluteError()(targets, predictions)) == 2.0


# === Single metrics ===


def test_ids_one_hot_rows_and_soft_labels_with_the_same_peak_say_the_same(rng):
    predictions, ids = rng.dirichlet(np.ones(CLASSES), ROWS), rng.integers(-1, CLASSES, size=ROWS)
    one_hot = np.eye(CLASSES)[ids] * (ids >= 0)[:, None]
    for targets in (ids[:, None], one_hot, one_hot * 0.6 + 0.1 * (ids >= 0)[:, None]):
        figure = float(metrics.MaskedCategoricalAccuracy(CLASSES)(targets, predictions))
        assert figure == float(metrics.MaskedCategoricalAccuracy(CLASSES)(ids, predictions))


def test_the_median_level_has_the_smallest_expected_distance(rng):
    probabilities = rng.dirichlet(np.ones(5), 100)
    levels = np.arange(5)
    distances = (probabilities[:, None, :] * np.abs(levels[:, None] - levels)).sum(axis=-1)
    median = np.asarray(metrics.median_level(probabilities))
    chosen = np.take_along_axis(distances, median[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(chosen, distances.min(axis=1))
    assert (median != probabilities.argmax(axis=1)).any()


def test_ordinal_accuracy_judges_the_median_which_is_the_answer():
    split = [[0.4, 0.35, 0.25]]
    assert float(metrics.MaskedOrdinalAccuracy(3)([1], split)) == 1.0
    assert float(metrics.MaskedCategoricalAccuracy(3)([1], split)) == 0.0
    assert float(metrics.MaskedOrdinalError(3)([1], split)) == 0.0


def test_f1_leaves_out_a_tag_that_is_neither_true_nor_answered_and_only_that():
    targets, predictions = [[1, 0, 0], [1, 0, 0]], [[0.9, 0.1, 0.1], [0.1, 0.1, 0.9]]
    assert float(metrics.MaskedF1(3)(targets, predictions)) == pytest.approx((2 / 3 + 0) / 2)
    assert np.isnan(float(metrics.MaskedF1(3)([[0, 0, 0]], [[0.1, 0.1, 0.1]])))


def test_the_threshold_says_from_which_probability_the_answer_is_yes():
    for metric in (metrics.MaskedBinaryAccuracy, metrics.MaskedF1):
        assert float(metric(1, threshold=0.7)([[1.0]], [[0.7]])) == 1.0
        assert float(metric(1, threshold=0.7)([[1.0]], [[0.69]])) == 0.0


def test_a_ratio_of_sums_says_what_it_is_told_where_nothing_was_counted():
    for otherwise, expected in [(0.0, 0.0), (None, NAN)]:
        mean = metrics.RatioOfSums("mean", otherwise=otherwise)
        np.testing.assert_equal(float(mean.result()), expected)
        mean.add(3.0, 2)
        mean.add(1.0, 2)
        assert float(mean.result()) == 1.0
        assert mean.get_config()["otherwise"] is otherwise


def test_results_taken_at_once_are_those_of_each(rng):
    several = [
        metrics.RatioOfSums("loss", otherwise=0.0),
        metrics.MaskedF1(3),  # a quotient of its own
        metrics.MaskedCategoricalAccuracy(3),
        metrics.RatioOfSums("nothing"),
        metrics.MaskedCategoricalAccuracy(3, dtype="float64"),
        keras.metrics.Mean(),
    ]
    several[0].add(3.0, 4)
    several[-1].update_state([1.0, 2.0])
    targets, predictions = np.eye(3)[rng.integers(3, size=20)], rng.uniform(size=(20, 3))
    for metric in several:
        if not isinstance(metric, keras.metrics.Mean) and type(metric) is not metrics.RatioOfSums:
            metric.update_state(targets, predictions)
    found = [float(value) for value in metrics.base.results(several)]
    np.testing.assert_equal(found, [float(metric.result()) for metric in several])
    assert found[0] == 0.75
    assert np.isnan(found[3])
    assert found[5] == 1.5
    assert metrics.base.results([]) == []


def test_columns_say_where_the_corners_of_a_box_are():
    boxes, others = np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 1]])
    sides = [np.concatenate([[[7.0]], values[:, [0, 2, 1, 3]]], axis=1) for values in (boxes, others)]
    assert float(metrics.MaskedMeanIoU([1, 3, 2, 4], 5)(*sides)) == float(metrics.MaskedMeanIoU()(boxes, others)) == 0.5
    assert float(metrics.MaskedIoUFraction(0.5, [1, 3, 2, 4], 5)(*sides)) == 0
    assert float(metrics.MaskedIoUFraction(0.49, [1, 3, 2, 4], 5)(*sides)) == 1


def test_an_inverted_or_empty_box_overlaps_nothing():
    for answer in ([0.6, 0.4, 0.4, 0.6], [0.6, 0.6, 0.4, 0.4], [0.5] * 4, [7, 7, 8, 8]):
        assert float(metrics.MaskedMeanIoU()([[0.4, 0.4, 0.6, 0.6]], [answer])) == 0


# === In plain Keras ===


def test_serves_in_the_compile_of_any_keras_model(rng):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=-1),
        metrics=[metrics.MaskedCategoricalAccuracy(3)],
        run_eagerly=True,
    )
    x, ids = rng.normal(size=(20, 5)).astype("float32"), rng.integers(-1, 3, size=20)
    logs = model.evaluate(x, ids, batch_size=3, verbose=0, return_dict=True)
    known = ids >= 0
    assert logs["accuracy"] == pytest.approx((model.predict_on_batch(x).argmax(axis=1) == ids)[known].mean())
