"""Properties of the missing-label rule: a masked loss is that of the labelled rows, and missing rows have no gradient."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from mtlzoo import losses, masking, metrics

ROWS = st.integers(1, 12)
SEEDS = st.integers(0, 2**16)
NAN = float("nan")


def probabilities(rng, rows, columns):
    return rng.dirichlet(np.ones(columns), rows).astype("float32")


def classes(rng, rows):
    return rng.integers(0, 4, rows).astype("float32"), probabilities(rng, rows, 4), -1.0


def tags(rng, rows):
    return rng.integers(0, 2, (rows, 3)).astype("float32"), rng.uniform(0.01, 0.99, (rows, 3)).astype("float32"), -1.0


def numbers(rng, rows):
    return rng.normal(size=(rows, 2)).astype("float32"), rng.normal(size=(rows, 2)).astype("float32"), NAN


def boxes(rng, rows):
    low, sides = rng.random((2, rows, 2)), rng.uniform(0.1, 0.8, (2, rows, 2))
    return *np.concatenate([low, low + sides], axis=-1).astype("float32"), NAN


CASES = {
    "crossentropy": (lambda: losses.MaskedCategoricalCrossentropy(4), classes),
    "smoothed": (lambda: losses.MaskedCategoricalCrossentropy(4, 0.1), classes),
    "ordinal": (lambda: losses.MaskedOrdinalCrossentropy(4), classes),
    "tags": (lambda: losses.MaskedBinaryCrossentropy(3), tags),
    "squared": (lambda: losses.MaskedMeanSquaredError(2), numbers),
    "absolute": (lambda: losses.MaskedMeanAbsoluteError(2), numbers),
    "huber": (lambda: losses.MaskedHuber(2), numbers),
    "wing": (lambda: losses.MaskedWing(2), numbers),
    "boxes": (losses.MaskedGeneralizedIoU, boxes),
}


@pytest.mark.parametrize("case", CASES)
@given(ROWS, SEEDS)
def test_a_masked_loss_is_that_of_the_labelled_rows(case, rows, seed):
    make, draw = CASES[case]
    rng, loss = np.random.default_rng(seed), make()
    targets, predictions, missing = draw(rng, rows)
    labelled = rng.random(rows) < 0.5
    masked = np.where(labelled.reshape(-1, *[1] * (targets.ndim - 1)), targets, np.float32(missing))
    predictions = tf.constant(predictions)
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        value = loss(masked, predictions)
    gradient = tape.gradient(value, predictions).numpy()
    assert (gradient[~labelled] == 0).all()
    assert np.isfinite(gradient).all()
    if labelled.any():
        assert float(value) == pytest.approx(float(loss(targets[labelled], predictions[labelled])), rel=1e-4, abs=1e-6)
    else:
        assert float(value) == 0.0


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=12))
def test_sums_add_up_over_batches(rows):
    values, labelled, weights = (np.array(column) for column in zip(*rows))
    values = np.where(labelled, values, NAN).astype("float32")
    whole = masking.masked_sums(values, labelled, weights)
    parts = [masking.masked_sums(values[part], labelled[part], weights[part]) for part in (slice(0, 3), slice(3, None))]
    for number in range(2):
        assert float(whole[number]) == pytest.approx(sum(float(part[number]) for part in parts), abs=1e-4)
    known = labelled & (weights > 0)
    expected = np.average(values[known], weights=weights[known]) if known.any() else 0.0
    assert float(masking.masked_mean(values, labelled, weights)) == pytest.approx(expected, abs=1e-4)


@given(ROWS, SEEDS, st.integers(1, 12))
def test_a_metric_over_batches_is_that_over_the_set(rows, seed, size):
    rng = np.random.default_rng(seed)
    ids, predictions, _ = classes(rng, rows)
    ids[rng.random(rows) < 0.4] = -1
    accuracy = metrics.MaskedCategoricalAccuracy(4)
    for start in range(0, rows, size):
        accuracy.update_state(ids[start : start + size], predictions[start : start + size])
    known = ids >= 0
    if known.any():
        assert float(accuracy.result()) == pytest.approx((predictions.argmax(axis=1) == ids)[known].mean(), abs=1e-6)
