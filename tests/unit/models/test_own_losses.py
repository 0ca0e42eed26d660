"""Heads of one's own with plain Keras losses and metrics: missing labels are left out all the same."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError

NAN = float("nan")
ROWS = 12


def with_loss(kind, loss, metrics=None):
    class Own(kind):
        def loss(self):
            return loss

        def metrics(self):
            return super().metrics() if metrics is None else metrics()

    return Own


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (ROWS, 8, 8, 3)).astype("uint8")


def floats(logs):
    """Keras before 3.11 hands out tensors, which pytest's approximations do not take."""
    return {name: float(value) for name, value in logs.items()}


def plain(head):
    images = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(x)), {"a": head}, dropout=0.0)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def focal(y_true, y_pred):
    return keras.losses.binary_focal_crossentropy(y_true, y_pred)


CASES = [
    (mtl.BinaryHead, (), keras.losses.BinaryFocalCrossentropy(), np.array([0.0, 1, -1, NAN] * 3)),
    (mtl.BinaryHead, (), focal, np.array([0.0, 1, -1, NAN] * 3)),
    (mtl.BinaryHead, (), "binary_crossentropy", np.array([[0], [1], [-1]] * 4)),
    (mtl.ClassificationHead, (3,), keras.losses.CategoricalFocalCrossentropy(), np.array([0, 1, 2, -1] * 3)),
    (mtl.ClassificationHead, (3,), keras.losses.SparseCategoricalCrossentropy(), np.array([0, 1, 2, -1] * 3)),
    (mtl.ClassificationHead, (3,), keras.losses.SparseCategoricalCrossentropy(), np.eye(3)[[0, 1, 2] * 4]),
    (mtl.OrdinalHead, (4,), "categorical_crossentropy", np.array([0, 1, 3, -1] * 3)),
    (mtl.MultiLabelHead, (2,), keras.losses.BinaryCrossentropy(), np.array([[0, 1], [-1, 1], [-1, -1]] * 4)),
    (mtl.RegressionHead, (), keras.losses.LogCosh(), np.array([1.0, NAN, 3.0] * 4)),
    (mtl.RegressionHead, (2,), keras.losses.MeanSquaredError(), np.array([[1.0, NAN], [2, 3], [NAN, NAN]] * 4)),
    (mtl.LandmarkHead, (2,), keras.losses.Huber(), np.array([[0.5] * 4, [NAN] * 4, [0.1, 0.2, NAN, NAN]] * 4)),
    (mtl.BoxHead, (), keras.losses.MeanAbsoluteError(), np.array([[0.1, 0.1, 0.5, 0.5], [NAN] * 4] * 6)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "arguments", "loss", "labels"), CASES)
def test_a_plain_loss_is_the_mean_over_labelled_rows(kind, arguments, loss, labels, images, eagerly):
    model = plain(with_loss(kind, loss)(*arguments))
    head = model.heads["a"]
    known = head.labelled(np.asarray(labels, "float32"))
    logs = model.evaluate(images, {"a": labels}, batch_size=5, verbose=0, return_dict=True)
    of_known = model.evaluate(images[known], {"a": labels[known]}, verbose=0, return_dict=True)
    assert floats(logs) == pytest.approx(floats(of_known), rel=1e-4)
    assert logs["a_loss"] > 0
    before = [variable.numpy() for variable in model.trainable_variables]
    if (~known).any():
        model.train_on_batch(images[~known], {"a": labels[~known]})
    for one, other in zip(before, model.trainable_variables):
        np.testing.assert_array_equal(one, other.numpy())
    history = model.fit(images, {"a": labels}, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()


@pytest.mark.slow
def test_a_plain_loss_says_what_the_masked_one_says(images):
    labels = {"a": np.array([[0, 1, -1], [1, 1, 0], [-1, -1, -1], [0, 0, 0]] * 3)}
    own = plain(with_loss(mtl.MultiLabelHead, "binary_crossentropy")(3))
    usual = plain(mtl.MultiLabelHead(3))
    usual.set_weights(own.get_weights())
    weights = np.arange(ROWS)
    for given in (None, weights):
        ours = usual.evaluate(images, labels, sample_weight=given, verbose=0, return_dict=True)
        theirs = own.evaluate(images, labels, sample_weight=given, verbose=0, return_dict=True)
        assert floats(theirs) == pytest.approx(floats(ours), rel=1e-3)


@pytest.mark.slow
def test_plain_metrics_count_labelled_rows_only(images):
    def metrics():
        return [keras.metrics.BinaryAccuracy(name="accuracy"), keras.metrics.AUC(name="auc")]

    model = plain(with_loss(mtl.BinaryHead, "mse", metrics)())
    labels = np.array([0, 1, -1, NAN] * 3)
    known = labels >= 0
    logs = model.evaluate(images, {"a": labels}, batch_size=5, verbose=0, return_dict=True)
    expected = metrics()
    for metric in expected:
        metric.update_state(labels[known][:, None], model.predict(images[known], verbose=0)["a"])
    assert [float(logs["a_accuracy"]), float(logs["a_auc"])] == pytest.approx(
        [float(metric.result()) for metric in expected], abs=1e-5
    )
    usual = plain(mtl.BinaryHead())
    usual.set_weights(model.get_weights())
    assert usual.evaluate(images, {"a": labels}, verbose=0, return_dict=True)["a_accuracy"] == logs["a_accuracy"]
    assert np.isnan(model.evaluate(images, {"a": np.full(ROWS, -1)}, verbose=0, return_dict=True)["a_accuracy"])
    history = model.fit(images, {"a": labels}, validation_data=(images, {"a": labels}), epochs=2, verbose=0).history
    assert len(history["val_a_auc"]) == 2


def test_plain_metrics_of_classes_take_ids_or_rows(images):
    def metrics():
        return [keras.metrics.SparseCategoricalAccuracy(name="one"), keras.metrics.CategoricalAccuracy(name="other")]

    model = plain(with_loss(mtl.ClassificationHead, "categorical_crossentropy", metrics)(3))
    logs = model.evaluate(images, {"a": np.array([0, 1, 2, -1] * 3)}, verbose=0, return_dict=True)
    assert float(logs["a_one"]) == pytest.approx(float(logs["a_other"]))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (with_loss(mtl.BinaryHead, 3)(), "loss of head 'a' to be a Keras loss, received: 3"),
        (with_loss(mtl.DetectionHead, "mse")(2), "Head 'a': .*MaskedLoss"),
        (with_loss(mtl.BinaryHead, "mse", lambda: [3])(), "metrics of head 'a' to be Keras metrics"),
        (with_loss(mtl.BinaryHead, "mse", list)(), "at least one metric of head 'a'"),
    ],
)
def test_what_cannot_be_masked_is_refused_when_the_model_is_compiled(head, message):
    with pytest.raises(HeadError, match=message) as error:
        plain(head)
    assert len(str(error.value).splitlines()) == 1


def test_a_loss_that_gives_one_number_for_all_rows_is_refused_in_one_line(images):
    def mean(y_true, y_pred):
        return keras.ops.mean(y_true - y_pred)

    with pytest.raises(HeadError, match="'mean' to give one number a row"):
        plain(with_loss(mtl.BinaryHead, mean)()).fit(images, {"a": np.zeros(ROWS)}, verbose=0)


def test_a_plain_loss_of_a_head_with_more_outputs_than_labels_is_refused_in_one_line(images):
    head = with_loss(mtl.ExpectationHead, "mse")([0, 1, 2])
    with pytest.raises(HeadError, match="puts out 3 numbers for a row of 1") as error:
        plain(head).fit(images, {"a": np.ones(ROWS)}, verbose=0)
    assert len(str(error.value).splitlines()) == 1
