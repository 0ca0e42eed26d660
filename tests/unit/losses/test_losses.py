from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from mtlzoo import losses

NAN = float("nan")
ROWS, CLASSES = 40, 4


# === The truth in plain numpy: the loss of each labelled row ===


def categorical(target, predicted, smoothing=0.0):
    return -((target * (1 - smoothing) + smoothing / len(target)) * np.log(predicted)).sum()


def binary(target, predicted, smoothing=0.0):
    target = target * (1 - smoothing) + smoothing / 2
    return -(target * np.log(predicted) + (1 - target) * np.log(1 - predicted)).mean()


def focal(target, predicted, gamma):
    return -(np.abs(target - predicted) ** gamma * target * np.log(predicted)).sum()


def binary_focal(target, predicted, gamma):
    entropy = -(target * np.log(predicted) + (1 - target) * np.log(1 - predicted))
    return (np.abs(target - predicted) ** gamma * entropy).mean()


def adjusted(target, predicted, offset):
    return categorical(target, softmax(np.log(predicted) + offset))


def binary_adjusted(target, predicted, offset):
    return binary(target, 1 / (1 + (1 - predicted) / predicted * np.exp(-offset)))


def ordinal(target, predicted):
    below, target_below = np.cumsum(predicted)[:-1], np.cumsum(target)[:-1]
    return binary(target_below, below)


def huber(difference):
    size = np.abs(difference)
    return np.where(size <= 1, size**2 / 2, size - 0.5).mean()


def wing(difference, width=10 / 22.4, curvature=2 / 22.4):
    size = np.abs(difference)
    step = width - width * np.log(1 + width / curvature)
    return np.where(size < width, width * np.log(1 + size / curvature), size - step).mean()


def label_distribution(target, predicted):
    """Spread 1, expectation weight 0.5 and scale 2, for bins 0, 1, 2, ..."""
    number, bins = target.item(), np.arange(CLASSES)
    truth = np.zeros(CLASSES)
    for bin, share in enumerate(np.maximum(1 - np.abs(number - bins), 0)):
        reach = min(bin, CLASSES - 1 - bin)
        gaussian = np.exp(-((bins - bin) ** 2) / 2) * (np.abs(bins - bin) <= reach)
        truth += share * gaussian / gaussian.sum()
    divergence = sum(t * np.log(t / p) for t, p in zip(truth, predicted) if t)
    return divergence + 0.5 * abs((predicted * bins).sum() - number) / 2


def generalized_iou(target, predicted):
    def area(low, high):
        return np.prod(np.maximum(high - low, 0))

    (low, high), (other_low, other_high) = target.reshape(2, 2), predicted.reshape(2, 2)
    both = area(np.maximum(low, other_low), np.minimum(high, other_high))
    union = area(low, high) + area(other_low, other_high) - both
    hull = area(np.minimum(low, other_low), np.maximum(high, other_high))
    return 1 - both / union + (hull - union) / hull


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture
def case(rng):
    """One-hot rows, tags or numbers with some missing; predictions; which entries are labelled."""

    def make(kind):
        if kind == "classes":
            known = rng.random(ROWS) < 0.6
            targets = np.eye(CLASSES)[rng.integers(CLASSES, size=ROWS)] * known[:, None]
            return targets.astype("float32"), softmax(rng.normal(size=(ROWS, CLASSES))).astype("float32"), known
        if kind == "binned":
            known, numbers = rng.random((ROWS, 1)) < 0.6, rng.uniform(0, CLASSES - 1, (ROWS, 1))
            targets, predictions = np.where(known, numbers, NAN), softmax(rng.normal(size=(ROWS, CLASSES)))
            return targets.astype("float32"), predictions.astype("float32"), known
        if kind == "boxes":
            known, low, sides = (
                rng.random((ROWS, 1)) < 0.6,
                rng.random((2, ROWS, 2)),
                rng.uniform(0.1, 0.6, (2, ROWS, 2)),
            )
            targets, predictions = (np.concatenate([low, low + sides], axis=-1) for low, sides in zip(low, sides))
            return (
                np.where(known, targets, NAN).astype("float32"),
                predictions.astype("float32"),
                known.repeat(4, axis=1),
            )
        known = rng.random((ROWS, 3)) < 0.5
        if kind == "tags":
            targets, predictions = rng.integers(2, size=(ROWS, 3)).astype("float32"), rng.uniform(0.01, 0.99, (ROWS, 3))
            return np.where(known, targets, -1), predictions.astype("float32"), known
        targets, predictions = rng.normal(5, 3, (2, ROWS, 3)).astype("float32")
        return np.where(known, targets, NAN).astype("float32"), predictions, known

    return make


def mean_over_rows(row_loss, targets, predictions, known, weights=None):
    """The numpy mean of `row_loss` over rows with anything labelled, each over its labelled entries."""
    rows = [row for row in range(len(targets)) if np.any(known[row])]
    entries = [known[row] if known.shape == predictions.shape else slice(None) for row in range(len(targets))]
    values = [row_loss(targets[row][known[row]], predictions[row][entries[row]]) for row in rows]
    return np.average(values, weights=None if weights is None else weights[rows])


CASES = {
    "categorical": (losses.MaskedCategoricalCrossentropy(CLASSES), "classes", categorical),
    "smoothed": (
        losses.MaskedCategoricalCrossentropy(CLASSES, label_smoothing=0.2),
        "classes",
        lambda target, predicted: categorical(target, predicted, 0.2),
    ),
    "ordinal": (losses.MaskedOrdinalCrossentropy(CLASSES), "classes", ordinal),
    "binary": (losses.MaskedBinaryCrossentropy(3), "tags", binary),
    "binary smoothed": (
        losses.MaskedBinaryCrossentropy(3, label_smoothing=0.2),
        "tags",
        lambda target, predicted: binary(target, predicted, 0.2),
    ),
    "focal": (
        losses.MaskedCategoricalCrossentropy(CLASSES, gamma=2.0),
        "classes",
        lambda target, predicted: focal(target, predicted, 2),
    ),
    "binary focal": (
        losses.MaskedBinaryCrossentropy(3, gamma=0.5),
        "tags",
        lambda target, predicted: binary_focal(target, predicted, 0.5),
    ),
    "adjusted": (
        losses.MaskedCategoricalCrossentropy(CLASSES, logit_offset=[0.0, -1.0, 2.0, 0.5]),
        "classes",
        lambda target, predicted: adjusted(target, predicted, np.array([0.0, -1.0, 2.0, 0.5])),
    ),
    "binary adjusted": (
        losses.MaskedBinaryCrossentropy(3, logit_offset=[-1.5] * 3),
        "tags",
        lambda target, predicted: binary_adjusted(target, predicted, -1.5),
    ),
    "mse": (
        losses.MaskedMeanSquaredError(3, scale=2.0),
        "numbers",
        lambda target, predicted: np.square((predicted - target) / 2).mean(),
    ),
    "mae": (
        losses.MaskedMeanAbsoluteError(3, scale=2.0),
        "numbers",
        lambda target, predicted: np.abs((predicted - target) / 2).mean(),
    ),
    "wing": (losses.MaskedWing(3, scale=9.0), "numbers", lambda target, predicted: wing((predicted - target) / 9)),
    "huber": (losses.MaskedHuber(3, scale=2.0), "numbers", lambda target, predicted: huber((predicted - target) / 2)),
    "giou": (losses.MaskedGeneralizedIoU(), "boxes", generalized_iou),
    "giou and l1": (
        losses.MaskedGeneralizedIoU(l1=2.0),
        "boxes",
        lambda target, predicted: generalized_iou(target, predicted) + 2 * np.abs(target - predicted).sum(),
    ),
    "scaled squared error": (
        losses.MaskedScaledSquaredError([3.0, 1.0, 1.0, 0.5]),
        "boxes",
        lambda target, predicted: np.square(target * [3, 1, 1, 0.5] - predicted).mean(),
    ),
    "label distribution": (
        losses.MaskedLabelDistributionLoss(range(CLASSES), spread=1.0, expectation_weight=0.5, scale=2.0),
        "binned",
        label_distribution,
    ),
}


@pytest.fixture(params=CASES)
def every(request, case):
    loss, kind, row_loss = CASES[request.param]
    targets, predictions, known = case(kind)
    known_of_row = np.repeat(known[:, None], CLASSES, axis=1) if kind == "classes" else known
    return loss, targets, predictions, known_of_row, row_loss


# === Every loss ===


def test_is_numpys_mean_over_labelled_rows(every):
    loss, targets, predictions, known, row_loss = every
    assert float(loss(targets, predictions)) == pytest.approx(
        mean_over_rows(row_loss, targets, predictions, known), rel=1e-5
    )


def test_sample_weights_weigh_the_mean(every, rng):
    loss, targets, predictions, known, row_loss = every
    weights = rng.random(ROWS).astype("float32")
    expected = mean_over_rows(row_loss, targets, predictions, known, weights)
    for form in (weights, weights[:, None], weights.tolist()):
        assert float(loss(targets, predictions, form)) == pytest.approx(expected, rel=1e-5)


def test_missing_rows_and_rows_of_weight_zero_change_nothing(every, rng):
    loss, targets, predictions, known, _ = every
    whole = float(loss(targets, predictions))
    rows = known.any(axis=1)
    assert float(loss(targets[rows], predictions[rows])) == pytest.approx(whole, rel=1e-5)
    more, unweighted = rng.permutation(targets), np.r_[np.ones(ROWS), np.zeros(ROWS)]
    doubled = loss(np.r_[targets, more], np.r_[predictions, predictions], unweighted)
    assert float(doubled) == pytest.approx(whole, rel=1e-5)


def test_the_order_of_rows_does_not_matter(every, rng):
    loss, targets, predictions, _, _ = every
    order = rng.permutation(ROWS)
    shuffled = float(loss(targets[order], predictions[order]))
    assert shuffled == pytest.approx(float(loss(targets, predictions)), rel=1e-5)


def test_sums_over_batches_give_the_mean_over_all_and_a_mean_of_means_does_not(every):
    loss, targets, predictions, _, _ = every
    parts = [slice(0, 3), slice(3, 17), slice(17, ROWS)]
    total, count = np.sum([loss.sums(targets[part], predictions[part]) for part in parts], axis=0)
    whole = float(loss(targets, predictions))
    assert total / count == pytest.approx(whole, rel=1e-5)
    assert np.mean([float(loss(targets[part], predictions[part])) for part in parts]) != pytest.approx(whole, rel=1e-3)


def test_gradient_is_that_of_the_labelled_rows_alone(every):
    loss, targets, predictions, known, _ = every
    rows = known.any(axis=1)

    def gradient(targets, predictions):
        predictions = tf.constant(predictions)
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            value = loss(targets, predictions)
        return tape.gradient(value, predictions).numpy()

    whole = gradient(targets, predictions)
    np.testing.assert_allclose(whole[rows], gradient(targets[rows], predictions[rows]), rtol=1e-5)
    assert not whole[~rows].any()
    assert whole[rows].any()


def test_without_a_label_it_is_exactly_zero_with_zero_finite_gradients(every):
    loss, targets, predictions, _, _ = every
    extreme = np.concatenate([predictions, np.zeros_like(predictions), np.ones_like(predictions)])
    forms = [np.full((len(extreme), targets.shape[1]), NAN, "float32")]
    if hasattr(loss, "classes") or hasattr(loss, "levels") or hasattr(loss, "tags"):  # as a number, -1 is a label
        forms.append(np.full(forms[0].shape, -1, "int32"))
    if hasattr(loss, "classes") or hasattr(loss, "levels"):
        forms += [np.zeros(forms[0].shape), np.full(len(extreme), -1), np.full((len(extreme), 1), NAN)]
    for missing in forms:
        watched = tf.constant(extreme)
        with tf.GradientTape() as tape:
            tape.watch(watched)
            value = loss(missing, watched)
        assert float(value) == 0.0
        gradient = tape.gradient(value, watched).numpy()
        assert gradient.shape == extreme.shape
        assert (gradient == 0).all()


def test_predictions_may_be_lists_or_of_any_float_type(every):
    loss, targets, predictions, _, _ = every
    whole = float(loss(targets, predictions))
    assert float(loss(targets, predictions.astype("float64"))) == pytest.approx(whole, rel=1e-6)
    assert float(loss(targets.tolist(), predictions.tolist())) == pytest.approx(whole, rel=1e-6)
    assert float(loss(targets, predictions.astype("float16"))) == pytest.approx(whole, rel=1e-2)


def test_call_gives_the_loss_of_each_row_and_zero_where_missing(every):
    loss, targets, predictions, known, _ = every
    values = loss.call(targets, predictions).numpy()
    assert values.shape == (ROWS,)
    assert (values[~known.any(axis=1)] == 0).all()
    assert values.sum() / known.any(axis=1).sum() == pytest.approx(float(loss(targets, predictions)), rel=1e-5)


def test_config_survives_json(every):
    loss, targets, predictions, _, _ = every
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert float(again(targets, predictions)) == float(loss(targets, predictions))


def test_a_reduction_that_is_no_mean_is_refused():
    for reduction in ("sum", "none", None):
        with pytest.raises(ValueError, match="mean over labelled rows"):
            losses.MaskedMeanSquaredError(reduction=reduction)


# === What plain Keras does ===


def test_keras_counts_an_all_zero_row_in_the_mean():
    targets, predictions = np.array([[0, 1, 0], [0, 0, 0]], "float32"), np.full((2, 3), 1 / 3, "float32")
    assert float(keras.losses.CategoricalCrossentropy()(targets, predictions)) == pytest.approx(np.log(3) / 2)
    assert float(losses.MaskedCategoricalCrossentropy(3)(targets, predictions)) == pytest.approx(np.log(3))


def test_keras_turns_a_nan_target_into_a_nan_loss():
    targets, predictions = np.array([[NAN], [1.0]], "float32"), np.array([[5.0], [3.0]], "float32")
    assert np.isnan(float(keras.losses.MeanSquaredError()(targets, predictions)))
    assert float(losses.MaskedMeanSquaredError()(targets, predictions)) == 4.0


def test_without_missing_labels_it_is_keras_own_loss(rng):
    ids, tags = rng.integers(CLASSES, size=ROWS), rng.integers(2, size=(ROWS, 3)).astype("float32")
    probabilities = softmax(rng.normal(size=(ROWS, CLASSES))).astype("float32")
    fractions = rng.uniform(0.01, 0.99, (ROWS, 3)).astype("float32")
    numbers, answers = rng.normal(size=(2, ROWS, 3)).astype("float32")
    one_hot = np.eye(CLASSES, dtype="float32")[ids]
    pairs = [
        (
            losses.MaskedCategoricalCrossentropy(CLASSES),
            keras.losses.SparseCategoricalCrossentropy(),
            ids,
            probabilities,
        ),
        (
            losses.MaskedCategoricalCrossentropy(CLASSES, label_smoothing=0.1),
            keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            one_hot,
            probabilities,
        ),
        (losses.MaskedBinaryCrossentropy(3), keras.losses.BinaryCrossentropy(), tags, fractions),
        (
            losses.MaskedBinaryCrossentropy(3, label_smoothing=0.1),
            keras.losses.BinaryCrossentropy(label_smoothing=0.1),
            tags,
            fractions,
        ),
        (losses.MaskedMeanSquaredError(3), keras.losses.MeanSquaredError(), numbers, answers),
        (losses.MaskedMeanAbsoluteError(3), keras.losses.MeanAbsoluteError(), numbers, answers),
        (losses.MaskedHuber(3), keras.losses.Huber(), numbers, answers),
    ]
    for ours, theirs, targets, predictions in pairs:
        assert float(ours(targets, predictions)) == pytest.approx(float(theirs(targets, predictions)), rel=1e-5)


def test_label_smoothing_is_keras_own_on_labelled_rows(case):
    targets, predictions, known = case("classes")
    ours = losses.MaskedCategoricalCrossentropy(CLASSES, label_smoothing=0.3)(targets, predictions)
    theirs = keras.losses.CategoricalCrossentropy(label_smoothing=0.3)(targets[known], predictions[known])
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


# === Classes ===


@pytest.mark.parametrize("kind", [losses.MaskedCategoricalCrossentropy, losses.MaskedOrdinalCrossentropy])
def test_ids_and_one_hot_rows_say_the_same(kind, case):
    targets, predictions, known = case("classes")
    ids = np.where(known, targets.argmax(axis=1), -1)
    assert float(kind(CLASSES)(ids, predictions)) == float(kind(CLASSES)(targets, predictions))


def test_a_soft_label_is_the_weighted_mean_of_hard_ones():
    loss, predictions = losses.MaskedCategoricalCrossentropy(2), np.array([[0.2, 0.8]])
    first, second, soft = (float(loss([target], predictions)) for target in ([1, 0], [0, 1], [0.25, 0.75]))
    assert soft == pytest.approx(0.25 * first + 0.75 * second)


@pytest.mark.parametrize("kind", [losses.MaskedCategoricalCrossentropy, losses.MaskedOrdinalCrossentropy])
def test_class_weights_multiply_rows_and_leave_the_divisor_alone(kind, case):
    targets, predictions, known = case("classes")
    weights = np.array([0.5, 1.0, 2.0, 0.0])
    rows = kind(CLASSES).call(targets, predictions).numpy()
    expected = (rows * weights[targets.argmax(axis=1)])[known].sum() / known.sum()
    assert float(kind(CLASSES, class_weight=weights)(targets, predictions)) == pytest.approx(expected, rel=1e-5)


def test_class_weights_are_keras_own_where_nothing_is_missing(rng):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(CLASSES, activation="softmax")])
    inputs, ids = rng.normal(size=(ROWS, 5)).astype("float32"), rng.integers(CLASSES, size=ROWS)
    weights = {0: 0.5, 1: 1.0, 2: 2.0, 3: 4.0}
    ours = losses.MaskedCategoricalCrossentropy(CLASSES, class_weight=list(weights.values()))(ids, model(inputs))
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", run_eagerly=True)
    theirs = model.train_on_batch(inputs, ids, class_weight=weights)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_a_soft_label_takes_the_mean_of_its_classes_weights():
    plain = losses.MaskedCategoricalCrossentropy(2)
    weighted = losses.MaskedCategoricalCrossentropy(2, class_weight=[1.0, 5.0])
    target, predictions = [[0.75, 0.25]], [[0.4, 0.6]]
    assert float(weighted(target, predictions)) == pytest.approx(2.0 * float(plain(target, predictions)))


def test_tag_weights_are_a_pair_for_each_tag(case):
    targets, predictions, known = case("tags")
    pairs = np.array([[1.0, 3.0], [0.5, 1.0], [2.0, 0.0]])
    values = -np.where(targets == 1, np.log(predictions), np.log(1 - predictions))
    values *= pairs[np.arange(3), np.where(targets == 1, 1, 0)]
    rows = known.any(axis=1)
    expected = ((values * known).sum(axis=1)[rows] / known.sum(axis=1)[rows]).mean()
    loss = losses.MaskedBinaryCrossentropy(3, tag_weight=pairs.tolist())
    assert float(loss(targets, predictions)) == pytest.approx(expected, rel=1e-5)


def test_an_id_beyond_the_last_class_makes_the_loss_nan():
    for kind in (losses.MaskedCategoricalCrossentropy, losses.MaskedOrdinalCrossentropy):
        assert np.isnan(float(kind(3)([0, 3], np.full((2, 3), 1 / 3))))


# === Extreme answers ===


@pytest.mark.parametrize(
    ("loss", "right", "wrong", "target"),
    [
        (losses.MaskedCategoricalCrossentropy(3), [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]], [0]),
        (losses.MaskedOrdinalCrossentropy(3), [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]], [0]),
        (losses.MaskedLabelDistributionLoss([0, 1, 2]), [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]], [0]),
        (losses.MaskedBinaryCrossentropy(), [[1.0]], [[0.0]], [1]),
        (losses.MaskedBinaryCrossentropy(), [[0.0]], [[1.0]], [0]),
    ],
)
def test_probabilities_of_zero_and_one_give_finite_losses_and_gradients(loss, right, wrong, target):
    assert float(loss(target, right)) == 0.0
    predictions = tf.constant(wrong)
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        value = loss(target, predictions)
    assert 40 < float(value) < 100
    assert np.isfinite(tape.gradient(value, predictions)).all()


@pytest.mark.parametrize("logit", [20.0, 50.0, 80.0])
def test_a_very_confident_mistake_of_a_softmax_can_be_unlearned_which_keras_clipping_prevents(logit):
    def gradient(loss, target):
        logits = tf.constant([[logit, 0.0, 0.0]])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(target, tf.nn.softmax(logits))
        return tape.gradient(value, logits).numpy()

    for loss in (losses.MaskedCategoricalCrossentropy(3), losses.MaskedOrdinalCrossentropy(3)):
        assert gradient(loss, [2])[0, 0] > 0.4
    # The gradient of the cross-entropy is the predicted probabilities less the target's.
    np.testing.assert_allclose(gradient(losses.MaskedCategoricalCrossentropy(3), [2]), [[1, 0, -1]], atol=1e-6)

    assert not gradient(keras.losses.CategoricalCrossentropy(), tf.constant([[0.0, 0.0, 1.0]])).any()


@pytest.mark.parametrize("logit", [20.0, 200.0])
def test_a_very_confident_mistake_of_a_softmax_layer_can_be_unlearned(logit):
    layer = keras.layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.Constant([[1, 0, 0]]))
    features = tf.constant([[logit]])
    with tf.GradientTape() as tape:
        tape.watch(features)
        value = losses.MaskedCategoricalCrossentropy(3)([2], layer(features))
    assert float(value) == pytest.approx(logit)
    assert tape.gradient(value, features).numpy()[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("logit", [-200.0, -20.0, 20.0, 200.0])
def test_a_very_confident_mistake_of_a_sigmoid_layer_can_be_unlearned(logit):
    layer = keras.layers.Dense(2, activation="sigmoid", kernel_initializer="ones")
    wrong = [[float(logit < 0), -1.0]]
    features = tf.constant([[logit]])
    with tf.GradientTape() as tape:
        tape.watch(features)
        value = losses.MaskedBinaryCrossentropy(2)(wrong, layer(features))
    assert float(value) == pytest.approx(abs(logit))
    assert tape.gradient(value, features).numpy()[0, 0] == pytest.approx(np.sign(logit))


def test_the_loss_of_a_layers_output_is_that_of_its_probabilities(case, rng):
    tags, classes = losses.MaskedBinaryCrossentropy, losses.MaskedCategoricalCrossentropy
    logits = tf.constant(rng.normal(size=(ROWS, 3)), "float32")
    targets, _, _ = case("tags")
    for loss in (tags(3), tags(3, 0.2, [[1, 2], [3, 4], [5, 6]])):
        known_logits = float(loss(targets, keras.activations.sigmoid(logits)))
        assert known_logits == pytest.approx(float(loss(targets, tf.sigmoid(logits))), rel=1e-5)
    targets, probabilities, _ = case("classes")
    for loss in (classes(CLASSES), classes(CLASSES, 0.2, [1, 2, 3, 4])):
        known_logits = float(loss(targets, keras.activations.softmax(tf.math.log(probabilities))))
        assert known_logits == pytest.approx(float(loss(targets, probabilities)), rel=1e-5)


# === Ordinal ===


def test_a_near_miss_costs_less_than_a_far_one_and_cross_entropy_does_not_care():
    levels = 5
    missed = [np.eye(levels)[[answer]] * 0.9 + 0.02 for answer in range(levels)]
    ordered = [float(losses.MaskedOrdinalCrossentropy(levels)([0], predictions)) for predictions in missed]
    assert ordered == sorted(ordered)
    assert min(np.diff(ordered)) > 0.1
    unordered = [float(losses.MaskedCategoricalCrossentropy(levels)([0], predictions)) for predictions in missed[1:]]
    assert np.ptp(unordered) == pytest.approx(0, abs=1e-6)


def test_permuting_the_levels_changes_the_ordinal_loss_but_not_the_cross_entropy(case, rng):
    targets, predictions, _ = case("classes")
    order = [2, 0, 3, 1]
    ordinal, unordered = losses.MaskedOrdinalCrossentropy(CLASSES), losses.MaskedCategoricalCrossentropy(CLASSES)
    permuted = targets[:, order], predictions[:, order]
    assert float(ordinal(*permuted)) != pytest.approx(float(ordinal(targets, predictions)), rel=1e-2)
    assert float(unordered(*permuted)) == pytest.approx(float(unordered(targets, predictions)), rel=1e-5)


def test_reversing_the_levels_leaves_the_ordinal_loss_as_it_is(case):
    targets, predictions, _ = case("classes")
    loss = losses.MaskedOrdinalCrossentropy(CLASSES)
    reversed_loss = float(loss(targets[:, ::-1], predictions[:, ::-1]))
    assert reversed_loss == pytest.approx(float(loss(targets, predictions)), rel=1e-5)


def test_two_levels_are_a_binary_question():
    below = [[0.3, 0.7], [0.9, 0.1]]
    ours = losses.MaskedOrdinalCrossentropy(2)([1, 1], below)
    theirs = losses.MaskedBinaryCrossentropy()([1, 1], [[0.7], [0.1]])
    assert float(ours) == pytest.approx(float(theirs))


def test_the_ordinal_loss_is_least_at_the_labels_own_distribution(rng):
    truth = np.array([[0.1, 0.6, 0.2, 0.1]], "float32")
    loss = losses.MaskedOrdinalCrossentropy(4)
    least = float(loss(truth, truth))
    others = [float(loss(truth, softmax(np.log(truth) + rng.normal(0, 0.5, truth.shape)))) for _ in range(20)]
    assert min(others) > least


# === In plain Keras ===


def test_serves_in_the_compile_of_any_keras_model(rng):
    inputs = keras.Input((5,))
    outputs = {
        "colour": keras.layers.Dense(3, activation="softmax", name="colour")(inputs),
        "age": keras.layers.Dense(1, name="age")(inputs),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.01),
        loss={"colour": losses.MaskedCategoricalCrossentropy(3), "age": losses.MaskedHuber()},
        run_eagerly=True,
    )
    x = rng.normal(size=(8, 5)).astype("float32")
    ids, ages = np.array([0, 1, 2, -1, -1, 0, 1, -1]), np.array([[1.0], [NAN]] * 4, "float32")
    predicted = model(x)
    expected = [
        float(losses.MaskedCategoricalCrossentropy(3)(ids, predicted["colour"])),
        float(losses.MaskedHuber()(ages, predicted["age"])),
    ]
    logs = model.fit(x, {"colour": ids, "age": ages}, batch_size=8, verbose=0).history
    assert logs["loss"][0] == pytest.approx(sum(expected), rel=1e-5)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_computes_in_single_precision_whatever_the_predictions():
    predictions = ops.cast([[1.0, 0.0]], "float16")
    assert float(losses.MaskedCategoricalCrossentropy(2)([1], predictions)) == pytest.approx(-np.log(1.2e-38), rel=1e-3)


# === Boxes ===


def box_gradient(loss, target, predicted):
    watched = tf.constant([predicted], "float32")
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = loss([target], watched)
    return float(value), tape.gradient(value, watched).numpy()[0]


BOX = [0.4, 0.4, 0.6, 0.6]


def test_the_giou_of_a_box_with_itself_costs_nothing_and_of_a_far_one_almost_two():
    loss = losses.MaskedGeneralizedIoU()
    assert float(loss([BOX], [BOX])) == 0
    assert 1.9 < float(loss([BOX], [[90.0, 90, 91, 91]])) < 2


@pytest.mark.parametrize(
    "predicted", [[0.7, 0.35, 0.9, 0.62], [0, 0, 0.1, 0.1], [0.7, 0.7, 0.71, 0.72], [-3, 2, -2, 3]]
)
def test_a_box_that_does_not_touch_is_pulled_towards_the_target(predicted):
    loss = losses.MaskedGeneralizedIoU()
    value, gradient = box_gradient(loss, BOX, predicted)
    assert np.isfinite(gradient).all()
    assert gradient.any()
    step = np.array(predicted) - 1e-3 * gradient / np.abs(gradient).max()
    assert box_gradient(loss, BOX, step)[0] < value


@pytest.mark.parametrize("predicted", [[0.6, 0.4, 0.4, 0.6], [0.57, 0.55, 0.43, 0.44], [2, 3, -1, -1]])
def test_an_inverted_box_is_turned_round(predicted):
    loss = losses.MaskedGeneralizedIoU()
    predicted = np.array(predicted, float)
    for _ in range(600):
        predicted -= 1e-2 * box_gradient(loss, BOX, predicted)[1]
        if (predicted[2:] > predicted[:2]).all():
            break
    assert (predicted[2:] >= predicted[:2]).all()


@pytest.mark.parametrize(
    ("target", "predicted"),
    [(BOX, BOX), (BOX, [0.5] * 4), (BOX, [0, 0, 0, 0]), ([0.5] * 4, [0.5] * 4), (BOX, [1e4, 1e4, -1e4, -1e4])],
)
def test_degenerate_boxes_have_finite_costs_and_gradients(target, predicted):
    value, gradient = box_gradient(losses.MaskedGeneralizedIoU(l1=1.0), target, predicted)
    assert 0 <= value < np.inf
    assert np.isfinite(gradient).all()


def test_the_l1_distance_pulls_where_a_point_inside_of_the_target_has_no_gradient():
    assert not box_gradient(losses.MaskedGeneralizedIoU(), BOX, [0.45, 0.45, 0.45, 0.45])[1].any()
    assert box_gradient(losses.MaskedGeneralizedIoU(l1=1.0), BOX, [0.45, 0.45, 0.45, 0.45])[1].all()
    with pytest.raises(ValueError, match="`l1`"):
        losses.MaskedGeneralizedIoU(l1=-1)
