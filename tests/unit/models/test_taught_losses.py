"""A teacher's part of the losses: over all rows, by the teacher's weights, beside what people labelled."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.heads.extras import without_extras
from mtlzoo.heads.taught import TAUGHT, Taught, taught_of, with_taught
from mtlzoo.models.taught_losses import taught_losses

HEADS = {"kind": mtl.ClassificationHead(2), "size": mtl.RegressionHead(loss="mse", mean=0.0, scale=1.0)}
OUTPUTS = {
    "kind": np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]], "float32"),
    "size": np.array([[1.0], [2.0], [3.0]], "float32"),
}
LABELS = {"kind": np.array([[1, 0], [0, 1], [0.5, 0.5]], "float32")}


def losses(weights, sample_weight=None):
    taught = Taught(LABELS, {"kind": np.asarray(weights, "float32")})
    return np.asarray(keras.ops.convert_to_numpy(taught_losses(HEADS, taught, OUTPUTS, sample_weight or {})))


def test_the_loss_is_a_weighted_sum_over_the_number_of_rows():
    expected = (2 * -np.log(0.5) + 0.5 * -np.log(0.75)) / 3
    np.testing.assert_allclose(losses([2.0, 0.5, 0.0]), [expected, 0], rtol=1e-5)


def test_a_teacher_that_is_unsure_says_little():
    assert losses([0.1, 0.1, 0.1])[0] == pytest.approx(losses([1.0, 1.0, 1.0])[0] / 10)


def test_rows_of_weight_zero_take_no_part():
    found = losses([1.0, 1.0, 1.0], {"kind": np.array([1, 1, 0], "float32")})
    np.testing.assert_allclose(found[0], (-np.log(0.5) - np.log(0.75)) / 2, rtol=1e-5)


def test_a_row_that_does_not_count_may_be_anything():
    poisoned = {"size": np.array([[np.nan], [np.inf], [2.0]], "float32")}
    taught = Taught(poisoned, {"size": np.array([0, 0, 1], "float32")})
    np.testing.assert_allclose(taught_losses(HEADS, taught, OUTPUTS, {}), [0, 1 / 3], rtol=1e-5)


def test_they_travel_under_a_name_that_no_head_has():
    labels = {"kind": np.array([0, 1, -1])}
    batch = with_taught(labels, Taught(LABELS, {"kind": np.ones(3)}))
    assert taught_of(batch).labels.keys() == {"kind"}
    assert without_extras(batch) == labels
    assert taught_of(labels) is None
    with pytest.raises(ValueError, match="name"):
        mtl.heads.get_heads({TAUGHT: 2})


@pytest.mark.parametrize("balancing", [None, "cagrad"])
def test_a_model_learns_of_its_teacher_alone(tiny_backbone, rng, balancing):
    """No label of a person at all: the head learns what it is taught, and metrics count nothing."""
    model = mtl.build(tiny_backbone, {"kind": 2, "other": 2}, (16, 16, 3), weights=None, dropout=0.0)
    images = rng.normal(size=(8, 16, 16, 3)).astype("float32")
    missing = {"kind": np.full(8, -1), "other": np.arange(8) % 2}
    taught = Taught({"kind": np.tile([[0.1, 0.9]], (8, 1)).astype("float32")}, {"kind": np.ones(8, "float32")})
    model.compile(keras.optimizers.Adam(0.01), balancing=balancing)
    batch = images, with_taught(missing, taught)

    import tensorflow as tf

    logs = model.fit(tf.data.Dataset.from_tensors(batch).repeat(25), verbose=0).history
    assert model.predict(images, verbose=0)["kind"][:, 1].mean() > 0.75
    assert np.isnan(logs["kind_accuracy"][-1])
    assert logs["kind_loss"][-1] == 0
