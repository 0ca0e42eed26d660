from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from mtlzoo import masking

NAN = float("nan")


def as_lists(pair):
    return [ops.convert_to_numpy(tensor).tolist() for tensor in pair]


# === Class labels ===


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "float16", "float32", "float64"])
def test_class_ids_become_rows_and_a_negative_id_is_missing(dtype, shape):
    rows, labelled = as_lists(masking.class_targets(np.array([2, -1, 0], dtype).reshape(shape), 3))
    assert rows == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert labelled == [True, False, True]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool"])
def test_class_ids_of_types_without_negative_numbers_can_be_read(dtype):
    rows, labelled = as_lists(masking.class_targets(np.array([1, 0], dtype), 3))
    assert rows == [[0, 1, 0], [1, 0, 0]]
    assert labelled == [True, True]


def test_a_class_id_that_is_nan_is_missing():
    assert as_lists(masking.class_targets([1.0, NAN], 2)) == [[[0, 1], [0, 0]], [True, False]]


@pytest.mark.parametrize("missing", [[0, 0, 0], [-1, -1, -1], [NAN, NAN, NAN], [0.5, NAN, 0.5], [-1, 0, 0]])
def test_a_row_of_zeros_or_with_a_negative_number_or_nan_is_missing(missing):
    rows, labelled = as_lists(masking.class_targets(np.array([[0, 0.3, 0.7], missing], "float32"), 3))
    assert rows == [pytest.approx([0, 0.3, 0.7]), [0, 0, 0]]
    assert labelled == [True, False]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64", "bool"])
def test_one_hot_rows_of_any_type_are_read(dtype):
    rows, labelled = as_lists(masking.class_targets(np.array([[0, 1], [0, 0]], dtype), 2))
    assert rows == [[0, 1], [0, 0]]
    assert labelled == [True, False]


def test_an_id_beyond_the_last_class_is_not_silently_a_label_of_no_class():
    rows, labelled = masking.class_targets([1, 3], 3)
    assert as_lists([labelled]) == [[True, True]]
    assert np.isnan(rows[1]).all()
    assert not np.isnan(rows[0]).any()


@pytest.mark.parametrize("shape", [(4, 2), (4, 3, 1), ()])
def test_class_labels_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"class ids of shape \(batch,\) or rows of shape \(batch, 3\)"):
        masking.class_targets(np.zeros(shape), 3)


# === Tags and numbers ===


def test_each_tag_is_missing_by_itself_and_a_row_of_zeros_is_a_label():
    values, labelled = as_lists(masking.tag_targets(np.array([[0, 0], [1, -1], [NAN, 0.5]]), 2))
    assert values == [[0, 0], [1, 0], [0, 0.5]]
    assert labelled == [[True, True], [True, False], [False, True]]


def test_each_number_is_missing_by_itself_and_minus_one_is_a_number():
    values, labelled = as_lists(masking.number_targets(np.array([[-1, 0], [NAN, 5]]), 2))
    assert values == [[-1, 0], [0, 5]]
    assert labelled == [[True, True], [False, True]]


@pytest.mark.parametrize("read", [masking.tag_targets, masking.number_targets])
def test_a_flat_target_serves_a_single_column_only(read):
    assert tuple(read([0.0, 1.0], 1)[0].shape) == (2, 1)
    for targets, columns in [([0.0, 1.0], 2), ([[0.0, 1.0]], 3)]:
        with pytest.raises(ValueError, match=rf"shape \(batch, {columns}\)"):
            read(targets, columns)


# === Means ===


def test_row_mean_is_numpys_mean_over_labelled_entries(rng):
    values, labelled = rng.normal(size=(50, 4)).astype("float32"), rng.random((50, 4)) < 0.4
    means, rows = masking.row_mean(values, labelled)
    expected = [row[known].mean() if known.any() else 0 for row, known in zip(values, labelled)]
    np.testing.assert_allclose(means, expected, atol=1e-6)
    np.testing.assert_array_equal(rows, labelled.any(axis=1))


@pytest.mark.parametrize("weighted", [False, True])
def test_masked_mean_is_numpys_weighted_average_over_labelled_rows(rng, weighted):
    values, labelled = rng.normal(size=60).astype("float32"), rng.random(60) < 0.5
    weights = rng.random(60).astype("float32") if weighted else None
    expected = np.average(values[labelled], weights=weights[labelled] if weighted else None)
    poisoned = np.where(labelled, values, NAN)
    assert float(masking.masked_mean(poisoned, labelled, weights)) == pytest.approx(expected, abs=1e-6)


def test_sums_add_up_over_batches_to_the_whole_set(rng):
    values, labelled = rng.normal(size=60).astype("float32"), rng.random(60) < 0.5
    cuts = np.sort(rng.choice(60, 7, replace=False))
    parts = [masking.masked_sums(v, m) for v, m in zip(np.split(values, cuts), np.split(labelled, cuts))]
    total, count = np.sum(parts, axis=0)
    assert total / count == pytest.approx(values[labelled].mean(), abs=1e-6)


def test_what_a_row_of_weight_zero_and_the_weight_of_a_missing_row_hold_does_not_matter():
    values, labelled = np.array([1.0, NAN, 5.0], "float32"), np.array([True, True, False])
    assert float(masking.masked_mean(values, labelled, [1.0, 0.0, NAN])) == 1.0


def test_a_nan_weight_of_a_labelled_row_is_not_hidden():
    assert np.isnan(float(masking.masked_mean(np.ones(2, "float32"), np.array([True, True]), [1.0, NAN])))


def test_weights_may_be_a_column_a_list_or_of_another_type():
    values, labelled = np.array([1.0, 3.0], "float32"), np.array([True, True])
    for weights in ([[3], [1]], np.array([3, 1], "int64"), np.array([3, 1], "float64")):
        assert float(masking.masked_mean(values, labelled, weights)) == 1.5


def test_without_labelled_rows_the_mean_is_exactly_zero_and_its_gradient_too():
    tf = pytest.importorskip("tensorflow")
    values = tf.Variable([1.0, 2.0])
    for weights, labelled in [(None, [False, False]), ([0.0, 0.0], [True, True]), ([NAN, NAN], [False, False])]:
        with tf.GradientTape() as tape:
            mean = masking.masked_mean(values, tf.constant(labelled), weights)
        assert float(mean) == 0.0
        assert tape.gradient(mean, values).numpy().tolist() == [0.0, 0.0]


def test_quotient_says_what_it_is_told_where_nothing_was_counted():
    zero, one = ops.zeros(()), ops.ones(())
    assert float(masking.quotient(zero, zero)) == 0.0
    assert np.isnan(float(masking.quotient(zero, zero, otherwise=NAN)))
    assert float(masking.quotient(one, 4 * one, otherwise=NAN)) == 0.25


# === Objects ===


def test_objects_are_read_and_nothing_is_not_the_same_as_missing():
    targets = np.full((3, 2, 6), NAN, "float32")
    targets[0, 0], targets[2] = [1, 2, 3, 4, 0, 1], -1
    boxes, classes, known, labelled = as_lists(masking.object_targets(targets, 2))
    assert boxes == [[[1, 2, 3, 4], [0] * 4], [[0] * 4] * 2, [[0] * 4] * 2]
    assert classes == [[[0, 1], [0, 0]], [[0, 0]] * 2, [[0, 0]] * 2]
    assert known == [[True, False], [False, False], [False, False]]
    assert labelled == [True, True, False]


@pytest.mark.parametrize("shape", [(3, 6), (3, 2, 5), (3, 2, 7)])
def test_objects_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(batch, objects, 6\)"):
        masking.object_targets(np.zeros(shape), 2)
