"""The loss of mixed rows is that of soft labels and of interpolated numbers, each over what is labelled."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo as mtl
from mtlzoo.heads.extras import without_extras
from mtlzoo.heads.mixed import MIXED, Partners, partners_of, with_partners
from mtlzoo.models.mixed_labels import mixed_sums

NAN = float("nan")
OWN = np.array([0.6, 0.75, 1.0, 0.5, 0.9], "float32")
PARTNER = np.array([1, 2, 2, 4, 0])
KINDS = np.array([0, 2, 1, 1, 0])
PROBABILITIES = np.array(
    [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]], "float32"
)
NUMBERS = np.array([[1.0], [4.0], [-2.0], [0.5], [3.0]], "float32")


def mean_loss(head: mtl.Head, labels: np.ndarray, outputs, weight=None, own: np.ndarray = OWN):
    """The loss of rows that are mixed with their partners."""
    partners = Partners({}, own, (1 - own) * (1 if weight is None else weight[PARTNER]))
    total, count = mixed_sums(head.loss(), (labels, labels[PARTNER]), partners, outputs, weight)
    return total / count


# === The same as other ways to say it ===


def test_classes_are_soft_labels():
    head = mtl.ClassificationHead(3)
    one_hot = np.eye(3, dtype="float32")[KINDS]
    soft = OWN[:, None] * one_hot + (1 - OWN)[:, None] * one_hot[PARTNER]
    expected = head.loss()(soft, PROBABILITIES)
    np.testing.assert_allclose(mean_loss(head, KINDS, PROBABILITIES), expected, rtol=1e-6)


def test_tags_are_soft_labels():
    head, tags = mtl.MultiLabelHead(2), np.array([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1]], "float32")
    soft = OWN[:, None] * tags + (1 - OWN)[:, None] * tags[PARTNER]
    outputs = PROBABILITIES[:, :2]
    np.testing.assert_allclose(mean_loss(head, tags, outputs), head.loss()(soft, outputs), rtol=1e-5)


def test_squared_errors_pull_to_the_interpolated_number():
    head = mtl.RegressionHead(loss="mse", mean=0.0, scale=1.0)
    outputs = tf.Variable([[0.3], [2.0], [-1.0], [0.0], [5.0]])
    between = OWN[:, None] * NUMBERS + (1 - OWN)[:, None] * NUMBERS[PARTNER]
    with tf.GradientTape(persistent=True) as tape:
        mixed, plain = mean_loss(head, NUMBERS, outputs), head.loss()(between, outputs)
    np.testing.assert_allclose(tape.gradient(mixed, outputs), tape.gradient(plain, outputs), rtol=1e-5)


# === Missing labels and weights ===


@pytest.mark.parametrize(("missing", "row"), [("own", 0), ("second", 4)])
def test_a_missing_label_takes_its_weight_with_it(missing, row):
    head, labels = mtl.ClassificationHead(3), KINDS.copy()
    labels[0] = -1  # the own label of row 0, and the second one of row 4
    costs = -np.log(PROBABILITIES)
    total = count = 0.0
    for place, (own, partner) in enumerate(zip(OWN, PARTNER)):
        for weight, label in ((own, labels[place]), (1 - own, labels[partner])):
            if label >= 0:
                total, count = total + weight * costs[place, label], count + weight
    assert count < len(OWN)
    np.testing.assert_allclose(mean_loss(head, labels, PROBABILITIES), total / count, rtol=1e-5)
    alone = np.full(5, -1)
    alone[row] = 1
    if missing == "own":  # only as a second label
        alone = np.array([-1, 1, -1, -1, -1])
        sums = mixed_sums(
            head.loss(), (np.full(5, -1), alone[PARTNER]), Partners({}, OWN, 1 - OWN), PROBABILITIES, None
        )
        np.testing.assert_allclose(sums, [0.4 * costs[0, 1], 0.4], rtol=1e-5)


def test_no_label_at_all_has_zero_loss():
    head, labels = mtl.RegressionHead(mean=0.0, scale=1.0), np.full((5, 1), NAN, "float32")
    sums = mixed_sums(head.loss(), (labels, labels), Partners({}, OWN, 1 - OWN), NUMBERS, None)
    assert [float(value) for value in sums] == [0, 0]


def test_weights_belong_to_their_labels_and_rows_of_weight_zero_take_no_part():
    head, weight = mtl.ClassificationHead(3), np.array([2.0, 0.5, 1.0, 0.0, 3.0], "float32")
    costs = -np.log(PROBABILITIES)
    pairs = [(row, row, OWN[row] * weight[row]) for row in range(5)]
    pairs += [(row, PARTNER[row], (1 - OWN[row]) * weight[PARTNER[row]]) for row in range(5) if weight[row]]
    expected = sum(factor * costs[row, KINDS[label]] for row, label, factor in pairs) / sum(pair[2] for pair in pairs)
    for shape in ((5,), (5, 1)):
        found = mixed_sums(
            head.loss(),
            (KINDS, KINDS[PARTNER]),
            Partners({}, OWN, (1 - OWN) * weight[PARTNER]),
            PROBABILITIES,
            weight.reshape(shape),
        )
        np.testing.assert_allclose(found[0] / found[1], expected, rtol=1e-5)


# === In a batch ===


def test_labels_with_partners_and_without():
    labels = {"kind": KINDS}
    mixed = with_partners(labels, Partners({"kind": KINDS[PARTNER]}, OWN, 1 - OWN))
    assert without_extras(mixed) == labels
    assert without_extras(labels) is labels
    assert partners_of(labels) is None
    assert partners_of(mixed).labels["kind"] is not KINDS
    with pytest.raises(ValueError, match="name of a head"):
        mtl.heads.get_heads({MIXED: 2})


@pytest.fixture(scope="module")
def model():
    images = keras.Input((4, 4, 3))
    features = keras.layers.GlobalAveragePooling2D()(images)
    heads = {"kind": mtl.ClassificationHead(3), "age": mtl.RegressionHead(loss="mse", mean=0.0, scale=1.0)}
    outputs = {name: head.build_layers(features, name) for name, head in heads.items()}
    made = mtl.MultiTaskModel(images, outputs, heads=heads)
    made.compile(run_eagerly=True)
    return made


def test_a_model_takes_mixed_batches(model):
    outputs = {"kind": PROBABILITIES, "age": NUMBERS + 1}
    labels = {"kind": KINDS, "age": NUMBERS}
    plain, _ = model.task_losses(labels, outputs)
    unmixed = with_partners(labels, Partners(labels, np.ones(5, "float32"), np.zeros(5, "float32")))
    np.testing.assert_allclose(model.task_losses(unmixed, outputs)[0], plain, rtol=1e-6)
    second = {name: values[PARTNER] for name, values in labels.items()}
    mixed = with_partners(labels, Partners(second, OWN, 1 - OWN))
    losses, present = model.task_losses(mixed, outputs)
    expected = [mean_loss(model.heads[name], labels[name], outputs[name]) for name in ("kind", "age")]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert np.array(present).all()
    # A head without second labels keeps the loss of its own.
    only = with_partners(labels, Partners({"kind": second["kind"]}, OWN, 1 - OWN))
    np.testing.assert_allclose(model.task_losses(only, outputs)[0], [expected[0], plain[1]], rtol=1e-5)


def test_metrics_count_the_own_labels(model):
    labels = {"kind": KINDS, "age": NUMBERS}
    mixed = with_partners(labels, Partners({name: values[PARTNER] for name, values in labels.items()}, OWN, 1 - OWN))
    outputs = {"kind": np.eye(3, dtype="float32")[KINDS], "age": NUMBERS}
    model.reset_metrics()
    logs = model.compute_metrics(None, mixed, outputs)
    assert float(logs["kind_accuracy"]) == 1
    model.reset_metrics()


@pytest.mark.parametrize("form", ["dataset", "generator"])
def test_own_batches_may_be_mixed(model, form):
    labels = {"kind": KINDS, "age": NUMBERS}
    mixed = with_partners(labels, Partners({name: values[PARTNER] for name, values in labels.items()}, OWN, 1 - OWN))
    images = np.zeros((5, 4, 4, 3), "float32")
    dataset = tf.data.Dataset.from_tensor_slices((images, mixed)).batch(5)
    batches = dataset if form == "dataset" else itertools.repeat((images, mixed))
    found = model.evaluate(batches, steps=1, verbose=0, return_dict=True)
    expected = [float(loss) for loss in model.task_losses(mixed, model(images))[0]]
    assert found["loss"] == pytest.approx(sum(expected), rel=1e-5)
