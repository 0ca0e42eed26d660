from __future__ import annotations

import itertools
import json
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from asked import usually
from keras import layers

import mtlzoo as mtl
from mtlzoo.backbones import Backbone
from mtlzoo.models import MultiTaskModel

NAN = float("nan")
ROWS = 24


def all_heads():
    """One head of each kind, in an order that is not the sorted one."""
    return {
        "wear": mtl.ClassificationHead(["coat", "dress", "skirt"]),
        "age": mtl.RegressionHead(mean=30.0, scale=10.0),
        "tags": mtl.MultiLabelHead(["hood", "belt"]),
        "sex": mtl.BinaryHead(["male", "female"]),
        "length": mtl.OrdinalHead(4),
    }


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (ROWS, 16, 16, 3)).astype("float32")


@pytest.fixture
def labels(rng):
    numbers = rng.normal(30, 10, (ROWS, 1)).astype("float32")
    return {
        "wear": rng.integers(-1, 3, ROWS),
        "age": np.where(rng.random((ROWS, 1)) < 0.5, numbers, NAN).astype("float32"),
        "tags": rng.integers(-1, 2, (ROWS, 2)).astype("float32"),
        "sex": rng.integers(-1, 2, ROWS).astype("float32"),
        "length": rng.integers(-1, 4, ROWS),
    }


@pytest.fixture
def make(tiny_backbone):
    """A model on the tiny backbone, compiled to run eagerly, which is quicker for a few small steps."""

    def build(heads=None, optimizer=None, compiled=True, dropout=0.0, **arguments):
        model = mtl.build(tiny_backbone, all_heads() if heads is None else heads, (16, 16, 3), None, dropout=dropout)
        if compiled:
            model.compile(optimizer or keras.optimizers.SGD(0.01), **{"run_eagerly": True, **arguments})
        return model

    return build


def plain_model(heads, penalty=None):
    """A model without batch normalisation or dropout: what it does with a row depends on that row alone."""
    images = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Conv2D(4, 5, strides=4, activation="relu", kernel_regularizer=penalty, name="conv")(x)
    backbone = keras.Model(images, x, name="plain")
    model = mtl.build(backbone, heads, weights=None, dropout=0.0)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    return model


def truth(model, images, labels, weights=None):
    """What `evaluate` has to say, from the predictions for the whole set at once."""
    predictions = {name: value.numpy() for name, value in model(images, training=False).items()}
    logs, scores, total = {}, [], 0.0
    for name, head in model.heads.items():
        if name not in labels:
            logs[f"{name}_loss"] = 0.0
            logs |= {f"{name}_{metric.name}": NAN for metric in head.metrics()}
            continue
        loss = float(head.loss()(labels[name], predictions[name], weights))
        logs[f"{name}_loss"], total = loss, total + head.loss_weight * loss
        figures = head.evaluate(labels[name], predictions[name])
        logs |= {f"{name}_{metric.name}": figures[metric.name] for metric in head.metrics()}
        scores.append(figures["score"])
    return {**logs, "loss": total, "score": np.nanmean(scores) if np.isfinite(scores).any() else NAN}


# === The model itself ===


def test_is_a_functional_model_with_a_dictionary_of_outputs_in_the_order_of_the_heads(make, images):
    model = make()
    assert isinstance(model, keras.Model)
    assert list(model.heads) == list(all_heads())
    assert isinstance(model.backbone, Backbone)
    for predictions in (model(images[:2]), model.predict_on_batch(images[:2]), model.predict(images[:2], verbose=0)):
        assert list(predictions) == list(model.heads)
        assert {name: tuple(value.shape) for name, value in predictions.items()} == {
            "wear": (2, 3),
            "age": (2, 1),
            "tags": (2, 2),
            "sex": (2, 1),
            "length": (2, 4),
        }


def test_integer_images_predict_what_float_ones_do(make, images):
    model = make()
    whole = images.astype("uint8")
    for name, value in model.predict(whole, verbose=0).items():
        np.testing.assert_allclose(value, model.predict(whole.astype("float32"), verbose=0)[name], rtol=1e-5)


def test_outputs_that_are_not_those_of_the_heads_are_refused(make):
    model = make(compiled=False)
    for wrong in ({"wear": model.output["wear"]}, list(model.output.values())):
        with pytest.raises(ValueError, match="one output for each head"):
            MultiTaskModel(model.input, wrong, heads=model.heads)
    with pytest.raises(ValueError, match="`resize` to be one of stretch, crop, pad"):
        MultiTaskModel(model.input, model.output, heads=model.heads, resize="squeeze")


def test_a_model_made_by_hand_trains_and_says_that_it_has_no_backbone():
    inputs = keras.Input((4,))
    head = mtl.BinaryHead()
    model = MultiTaskModel(inputs, {"sex": head.build_layers(inputs, "sex")}, heads={"sex": head})
    model.compile(run_eagerly=True)
    model.fit(np.ones((4, 4)), {"sex": np.array([0, 1, 1, -1])}, verbose=0)
    with pytest.raises(ValueError, match="`Backbone` among the layers"):
        model.set_trainable("heads")


# === Compiling ===


@pytest.mark.parametrize("argument", ["loss", "loss_weights", "metrics", "weighted_metrics"])
def test_losses_and_metrics_are_refused_in_compile_with_a_hint(make, argument):
    with pytest.raises(ValueError, match=rf"no `{argument}` in compile, since .* come from the heads"):
        make(compiled=False).compile(**{argument: "mse"})
    make(compiled=False).compile(**{argument: None})


def test_compiling_twice_leaves_no_metric_behind(make, images, labels):
    model = make()
    once = [metric.name for metric in model.metrics]
    assert len(once) == len(set(once))
    expected = model.evaluate(images, labels, verbose=0)
    for _ in range(3):
        model.compile(run_eagerly=True)
    assert [metric.name for metric in model.metrics] == once
    assert model.evaluate(images, labels, verbose=0) == pytest.approx(expected)


def test_a_metric_of_ones_own_survives_compiling(make):
    model = make(compiled=False)
    model.steps_seen = keras.metrics.Sum(name="steps_seen")
    model.compile()
    model.compile()
    assert [metric.name for metric in model.metrics].count("steps_seen") == 1


# === What is logged ===


@pytest.mark.parametrize("missing", usually([["wear", "age", "length"]], [[], ["sex"], ["wear", "age", "length"]]))
def test_figures_equal_those_of_the_whole_set_whatever_the_batches(make, images, labels, missing, rng):
    model = make({**all_heads(), "sex": mtl.BinaryHead(loss_weight=3.0)})
    rows = ROWS // 2
    images, labels = images[:rows], {name: targets[:rows] for name, targets in labels.items() if name not in missing}
    expected = truth(model, images, labels)
    for size in (1, *rng.integers(2, rows, 3), rows):
        logs = model.evaluate(images, labels, batch_size=int(size), verbose=0, return_dict=True)
        assert logs == pytest.approx(expected, rel=1e-4, nan_ok=True)


def test_the_list_that_evaluate_returns_holds_the_same_figures(make, images, labels):
    model = make()
    logs = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert sorted(model.evaluate(images, labels, verbose=0)) == pytest.approx(sorted(logs.values()), rel=1e-5)


@pytest.mark.parametrize("return_dict", [True, False])
def test_metrics_are_numbers_with_every_keras(make, images, labels, return_dict):
    model = make()
    for logs in (
        model.evaluate(images, labels, verbose=0, return_dict=return_dict),
        model.train_on_batch(images, labels, return_dict=return_dict),
        model.test_on_batch(images, labels, return_dict=return_dict),
    ):
        values = logs.values() if return_dict else logs
        assert {type(value) for value in values} == {float}


def test_the_logged_loss_of_a_head_is_the_mean_over_labelled_rows_where_keras_says_half(make, images):
    """Two batches, of which one has no labels, and uniform answers: the loss is log 3 = 1.099, and Keras says 0.549."""
    targets = {"wear": np.r_[np.zeros(8), np.full(8, -1)].astype("int32")}
    model = make({"wear": 3}, keras.optimizers.SGD(0.0))
    model.get_layer("wear").set_weights([np.zeros((16, 3)), np.zeros(3)])
    plain = keras.Model(model.input, {"wear": model.output["wear"]})
    plain.compile(
        keras.optimizers.SGD(0.0),
        {"wear": keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)},
        run_eagerly=True,
    )
    arguments = {"batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (images[:16], targets)}
    theirs = plain.fit(images[:16], targets, **arguments).history
    ours = model.fit(images[:16], targets, **arguments).history
    for figure in ("loss", "val_loss"):
        assert theirs[figure] == [pytest.approx(0.549, abs=5e-4)]
        assert ours[figure] == [pytest.approx(1.099, abs=5e-4)]
    for figure in ("wear_loss", "val_wear_loss"):
        assert ours[figure] == [pytest.approx(1.099, abs=5e-4)]


def test_score_is_the_mean_of_the_heads_main_metrics_that_are_known(make, images, labels):
    model = make()
    logs = model.evaluate(images, labels, verbose=0, return_dict=True)
    parts = [
        logs["wear_accuracy"],
        10 / (10 + logs["age_mae"]),
        logs["tags_f1"],
        logs["sex_accuracy"],
        1 - logs["length_mae"] / 3,
    ]
    assert logs["score"] == pytest.approx(np.mean(parts), rel=1e-5)
    logs = model.evaluate(images, {"sex": labels["sex"]}, verbose=0, return_dict=True)
    assert logs["score"] == pytest.approx(logs["sex_accuracy"])
    assert np.isnan(logs["wear_accuracy"])


def test_fit_logs_the_figures_of_training_and_validation(make, images, labels):
    model = make()
    history = model.fit(images, labels, batch_size=8, validation_data=(images, labels), epochs=2, verbose=0).history
    names = set(truth(model, images, labels))
    assert set(history) == names | {f"val_{name}" for name in names}
    assert all(len(values) == 2 for values in history.values())
    final = truth(model, images, labels)
    assert {name: history[f"val_{name}"][-1] for name in final} == pytest.approx(final, rel=1e-4)


# === Missing labels ===


def test_a_batch_without_any_label_is_zero_with_zero_finite_gradients_and_no_warning(make, images, labels):
    model = make(optimizer=keras.optimizers.SGD(1.0))
    nothing = {
        "wear": np.zeros((ROWS, 3)),
        "age": np.full((ROWS, 1), NAN),
        "tags": np.full((ROWS, 2), -1),
        "sex": np.full(ROWS, NAN),
        "length": np.full((ROWS, 1), -1),
    }
    for absent in (nothing, dict.fromkeys(nothing), {}, {"wear": nothing["wear"]}):
        before = [weight.numpy() for weight in model.trainable_variables]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with tf.GradientTape() as tape:
                loss = model.compute_loss(images, absent, model(images, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            model.train_on_batch(images, absent) if absent else model.train_step((images, absent))
        assert float(loss) == 0.0
        assert all(gradient is not None for gradient in gradients)
        assert all((np.asarray(gradient) == 0).all() for gradient in gradients)
        for old, new in zip(before, model.trainable_variables):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", list(all_heads()))
def test_training_with_missing_rows_is_training_on_the_labelled_ones(name, images, labels):
    with_missing, without = plain_model({name: all_heads()[name]}), plain_model({name: all_heads()[name]})
    without.set_weights(with_missing.get_weights())
    rows = with_missing.heads[name].labelled(labels[name])
    assert 0 < rows.sum() < ROWS
    with_missing.train_on_batch(images, {name: labels[name]})
    without.train_on_batch(images[rows], {name: labels[name][rows]})
    for one, other in zip(with_missing.get_weights(), without.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_head_that_is_left_out_is_not_trained_and_does_not_disturb_the_others(images, labels):
    both, alone = plain_model({"wear": 3, "sex": mtl.BinaryHead()}), plain_model({"wear": 3})
    start = both.get_layer("sex").get_weights()
    for layer in alone.layers:
        layer.set_weights(both.get_layer(layer.name).get_weights())
    both.train_on_batch(images, {"wear": labels["wear"]})
    alone.train_on_batch(images, {"wear": labels["wear"]})
    for layer in alone.layers:
        for one, other in zip(layer.get_weights(), both.get_layer(layer.name).get_weights()):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    for old, new in zip(start, both.get_layer("sex").get_weights()):
        np.testing.assert_array_equal(old, new)


def test_ids_and_one_hot_rows_with_empty_ones_train_alike(images, labels):
    ids = labels["wear"]
    one_hot = np.eye(3)[ids] * (ids >= 0)[:, None]
    models = [plain_model({"wear": 3}) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    logs = [
        model.train_on_batch(images, {"wear": targets}, return_dict=True)
        for model, targets in zip(models, (ids, one_hot))
    ]
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)
    for one, other in zip(models[0].get_weights(), models[1].get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


# === Labels by name ===


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_lists_of_labels_are_refused_with_the_reason(make, images, labels, method):
    model = make({"wear": 3, "sex": mtl.BinaryHead()})
    for wrong in ([labels["wear"], labels["sex"]], (labels["wear"], labels["sex"]), labels["wear"]):
        with pytest.raises(ValueError, match=r"dictionary by the names of the heads \(wear, sex\).*sorted order"):
            getattr(model, method)(images, wrong)


def test_keras_would_swap_the_heads_of_a_list(images):
    """What the refusal prevents: the list is matched in the sorted order of the names."""
    inputs = keras.Input((4,))
    outputs = {name: layers.Dense(units, name=name)(inputs) for name, units in {"wear": 1, "sex": 1}.items()}
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.5), {"wear": "mse", "sex": "mse"}, run_eagerly=True)
    model.fit(np.zeros((80, 4)), [np.ones((80, 1)), np.zeros((80, 1))], batch_size=4, verbose=0)
    answers = model.predict_on_batch(np.zeros((1, 4)))
    assert answers["wear"][0, 0] == pytest.approx(0)
    assert answers["sex"][0, 0] == pytest.approx(1, abs=0.01)


def test_labels_of_an_unknown_head_are_refused_with_the_list_of_names(make, images, labels):
    model = make({"wear": 3, "sex": mtl.BinaryHead()})
    for method in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ValueError, match="heads wear, sex, received also: waer"):
            method(images, {"waer": labels["wear"]})


def test_training_without_labels_is_refused(make, images):
    with pytest.raises(ValueError, match="dictionary by the names of the heads"):
        make({"wear": 3}).fit(images, verbose=0)


def test_validation_labels_follow_the_same_rules(make, images, labels):
    model = make({"wear": 3, "sex": mtl.BinaryHead()})
    history = model.fit(
        images, labels_of(labels, "wear"), validation_data=(images, labels_of(labels, "sex")), verbose=0
    )
    assert np.isnan(history.history["val_wear_accuracy"][0])
    assert history.history["val_score"] == [pytest.approx(history.history["val_sex_accuracy"][0])]
    with pytest.raises(ValueError, match="by the names of the heads"):
        model.fit(images, labels_of(labels, "wear"), validation_data=(images, [labels["wear"]]), verbose=0)


def labels_of(labels, *names):
    return {name: labels[name] for name in names}


# === Weights ===


def test_class_weights_in_fit_are_refused_with_a_hint(make, images, labels):
    with pytest.raises(ValueError, match="each head has classes of its own: give it to the head"):
        make({"wear": 3}).fit(images, labels_of(labels, "wear"), class_weight={0: 2.0})


def test_class_weights_of_a_head_weigh_its_rows(images, labels):
    weights = {"coat": 2.0, "skirt": 0.5}
    model = plain_model({"wear": mtl.ClassificationHead(["coat", "dress", "skirt"], class_weight=weights)})
    predictions = model(images)["wear"].numpy()
    ids = labels["wear"]
    known = ids >= 0
    costs = -np.log(predictions[known, ids[known]]) * np.array([2.0, 1.0, 0.5])[ids[known]]
    logs = model.train_on_batch(images, {"wear": ids}, return_dict=True)
    assert logs["loss"] == pytest.approx(costs.sum() / known.sum(), rel=1e-5)


def test_balanced_class_weights_are_counted_by_adapt_on_labelled_rows_only(images, labels):
    head = mtl.ClassificationHead(3, class_weight="balanced")
    pixels = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D()])
    model = mtl.build(pixels, {"wear": head}, weights=None)
    with pytest.raises(ValueError, match="needs the counts of the training labels"):
        model.compile()
    model.adapt({"wear": labels["wear"]})
    model.compile(run_eagerly=True)
    known = labels["wear"][labels["wear"] >= 0]
    assert model.heads["wear"].label_counts == np.bincount(known, minlength=3).tolist()
    assert head.label_counts is None
    counts = np.bincount(known, minlength=3)
    weights = len(known) / (3 * counts)
    predictions = model(images)["wear"].numpy()[labels["wear"] >= 0]
    expected = (-np.log(predictions[np.arange(len(known)), known]) * weights[known]).mean()
    logs = model.evaluate(images, {"wear": labels["wear"]}, verbose=0, return_dict=True)
    assert logs["wear_loss"] == pytest.approx(expected, rel=1e-4)


def test_sample_weights_may_be_one_array_for_all_or_a_dictionary_of_some_heads(make, images, labels, rng):
    model = make()
    weights = rng.integers(0, 3, ROWS).astype("float32")
    logs = model.evaluate(images, labels, sample_weight=weights, batch_size=7, verbose=0, return_dict=True)
    predictions = model(images, training=False)
    for name, head in model.heads.items():
        expected = float(head.loss()(labels[name], predictions[name], weights))
        assert logs[f"{name}_loss"] == pytest.approx(expected, rel=1e-4)
    unweighted = model.evaluate(images, labels, verbose=0, return_dict=True)
    data = tf.data.Dataset.from_tensor_slices((images, labels, {"wear": weights})).batch(7)
    partial = model.evaluate(data, verbose=0, return_dict=True)
    for name in all_heads():
        source = logs if name == "wear" else unweighted
        assert partial[f"{name}_loss"] == pytest.approx(source[f"{name}_loss"], rel=1e-4)
    arrays = model.evaluate(images, labels, sample_weight={"wear": weights}, verbose=0, return_dict=True)
    assert arrays == pytest.approx(partial, rel=1e-4)
    with pytest.raises(
        ValueError, match="sample weights for the heads wear, age, tags, sex, length, received also: waer"
    ):
        model.evaluate(images, labels, sample_weight={"waer": weights}, verbose=0)
    with pytest.raises(ValueError, match="sample weights as a dictionary"):
        model.train_step((images, labels, [weights] * 5))


def test_partial_sample_weights_of_arrays_serve_training_and_validation(make, images, labels, rng):
    weights = {"wear": rng.integers(0, 3, ROWS).astype("float32")}
    model = make({"wear": 3, "sex": mtl.BinaryHead()}, keras.optimizers.SGD(0.0))
    rows = labels_of(labels, "wear", "sex")
    expected = model.evaluate(images, rows, sample_weight=weights, verbose=0, return_dict=True)
    unweighted = model.evaluate(images, rows, verbose=0, return_dict=True)
    assert expected["sex_loss"] == pytest.approx(unweighted["sex_loss"], rel=1e-5)
    weighted = model.heads["wear"].loss()(rows["wear"], model(images)["wear"], weights["wear"])
    assert expected["wear_loss"] == pytest.approx(float(weighted), rel=1e-5)
    assert expected["wear_loss"] != pytest.approx(unweighted["wear_loss"], rel=1e-5)
    model.set_trainable("heads")
    history = model.fit(
        images, rows, sample_weight=weights, validation_data=(images, rows, weights), batch_size=8, verbose=0
    ).history
    assert {name: history[f"val_{name}"][0] for name in expected} == pytest.approx(expected, rel=1e-4)
    nothing = {"sex": None}
    wear_only = model.evaluate(images, rows | nothing, sample_weight=weights | nothing, verbose=0, return_dict=True)
    assert wear_only["wear_loss"] == pytest.approx(expected["wear_loss"], rel=1e-4)
    assert np.isnan(wear_only["sex_accuracy"])


def test_rows_of_weight_zero_take_no_part(images, labels):
    kept = np.arange(ROWS) % 3 > 0
    weighted, subset = plain_model(all_heads()), plain_model(all_heads())
    subset.set_weights(weighted.get_weights())
    logs = weighted.train_on_batch(images, labels, sample_weight=kept.astype("float32"), return_dict=True)
    expected = subset.train_on_batch(images[kept], {name: y[kept] for name, y in labels.items()}, return_dict=True)
    assert logs == pytest.approx(expected, rel=1e-4, nan_ok=True)
    for one, other in zip(weighted.get_weights(), subset.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_the_loss_weight_of_a_head_scales_its_part_of_the_total(images, labels):
    heads = {"wear": mtl.ClassificationHead(3, loss_weight=2.0), "sex": mtl.BinaryHead(loss_weight=0.0)}
    model = plain_model(heads)
    start = model.get_layer("sex").get_weights()
    logs = model.train_on_batch(images, labels_of(labels, "wear", "sex"), return_dict=True)
    assert logs["loss"] == pytest.approx(2 * logs["wear_loss"], rel=1e-5)
    assert logs["sex_loss"] > 0
    for old, new in zip(start, model.get_layer("sex").get_weights()):
        np.testing.assert_array_equal(old, new)


def test_regularisation_is_part_of_the_loss_while_its_layer_is_trained(images, labels):
    model = plain_model({"wear": 3}, penalty=keras.regularizers.L2(0.1))
    kernel = model.backbone.get_layer("conv").kernel
    targets = labels_of(labels, "wear")
    logs = model.evaluate(images, targets, batch_size=5, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["wear_loss"] + 0.1 * np.square(kernel.numpy()).sum(), rel=1e-4)
    before = np.square(kernel.numpy()).sum()
    model.train_on_batch(images, {"wear": np.full(ROWS, -1)})  # nothing but the penalty is left to follow
    assert np.square(kernel.numpy()).sum() == pytest.approx(before * (1 - 2 * 0.1 * 0.1) ** 2, rel=1e-4)
    model.set_trainable("heads")
    model.compile(run_eagerly=True)
    logs = model.evaluate(images, targets, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["wear_loss"], rel=1e-5)


def test_the_penalty_of_activities_is_part_of_the_loss(images, labels):
    images_in = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 5, strides=4, activity_regularizer=keras.regularizers.L1(1e-3), name="conv")(images_in)
    model = mtl.build(keras.Model(images_in, x), {"wear": 3}, weights=None, dropout=0.0)
    model.compile(run_eagerly=True)
    logs = model.evaluate(images, labels_of(labels, "wear"), batch_size=ROWS, verbose=0, return_dict=True)
    # Keras divides the penalty of activities by the rows of the batch, but for Keras 3.10.
    alone = layers.Activation("linear", activity_regularizer=keras.regularizers.L1(1e-3))
    alone(model.backbone.get_layer("conv")(images))
    assert logs["loss"] - logs["wear_loss"] == pytest.approx(float(alone.losses[0]), rel=1e-3)


# === Where the rows come from ===


class Sequence(keras.utils.PyDataset):
    """Batches of which each lacks another head's labels."""

    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels = images, labels

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(index * 8, index * 8 + 8)
        return self.images[part], {name: targets[part] for name, targets in self.labels.items()}


def test_arrays_tf_data_generators_and_py_datasets_give_the_same_figures(make, images, labels):
    model = make()
    expected = truth(model, images, labels)

    def generate():
        dataset = Sequence(images, labels)
        yield from (dataset[index] for index in range(3))

    sources = {
        "tf.data": tf.data.Dataset.from_tensor_slices((images, labels)).batch(8),
        "PyDataset": Sequence(images, labels),
    }
    assert model.evaluate(images, labels, batch_size=8, verbose=0, return_dict=True) == pytest.approx(
        expected, rel=1e-4
    )
    for source, rows in sources.items():
        logs = model.evaluate(rows, verbose=0, return_dict=True)
        assert logs == pytest.approx(expected, rel=1e-4), source
    assert model.evaluate(generate(), steps=3, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-4)


def test_fit_takes_arrays_with_a_validation_split(make, images, labels):
    model = make()
    history = model.fit(images, labels, validation_split=0.25, batch_size=8, verbose=0).history
    last = {name: targets[18:] for name, targets in labels.items()}
    expected = truth(model, images[18:], last)
    assert {name: history[f"val_{name}"][0] for name in expected} == pytest.approx(expected, rel=1e-4, nan_ok=True)


def test_fit_takes_tf_data_py_datasets_and_generators(make, images, labels):
    model = make()
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    batches = Sequence(images, labels)
    for rows, arguments in [
        (dataset, {}),
        (dataset.repeat(), {"steps_per_epoch": 2}),
        (batches, {}),
        ((batches[index % 3] for index in itertools.count()), {"steps_per_epoch": 2}),
    ]:
        history = model.fit(rows, verbose=0, **arguments).history
        assert np.isfinite(history["loss"]).all()


def test_fit_takes_its_arguments_in_keras_own_order(make, images, labels):
    stop = keras.callbacks.LambdaCallback()
    history = make({"wear": 3}).fit(images, labels_of(labels, "wear"), 12, 2, 0, [stop])
    assert len(history.epoch) == 2
    assert history.params["steps"] == 2


# === How steps are run ===


def test_compiled_eager_and_several_steps_at_once_train_alike(make, images, labels):
    start, histories, weights = None, [], []
    for arguments in ({"run_eagerly": True}, {"run_eagerly": False}, {"run_eagerly": False, "steps_per_execution": 2}):
        model = make({"wear": 3, "age": mtl.RegressionHead(mean=30, scale=10)}, **arguments)
        model.set_trainable("heads")  # no random dropout, no moving batch normalisation
        model.compile(keras.optimizers.SGD(0.1), **arguments)
        start = start or model.get_weights()
        model.set_weights(start)
        rows = labels_of(labels, "wear", "age")
        histories.append(model.fit(images, rows, batch_size=8, shuffle=False, epochs=2, verbose=0).history)
        weights.append(model.get_weights())
    for history, others in zip(histories[1:], weights[1:]):
        for name, values in histories[0].items():
            assert history[name] == pytest.approx(values, rel=1e-3)
        for one, other in zip(weights[0], others):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_the_step_can_be_compiled_by_xla(images, labels):
    heads = {"wear": 3, "length": mtl.OrdinalHead(4)}
    plain, compiled = plain_model(heads), plain_model(heads)
    compiled.set_weights(plain.get_weights())
    compiled.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    rows = labels_of(labels, "wear", "length")
    expected = plain.train_on_batch(images, rows, return_dict=True)
    assert compiled.train_on_batch(images, rows, return_dict=True) == pytest.approx(expected, rel=1e-4)


def test_single_batches_can_be_trained_and_tested(make, images, labels):
    model = make()
    expected = truth(model, images, labels)
    assert model.test_on_batch(images, labels, return_dict=True) == pytest.approx(expected, rel=1e-4)
    model.reset_metrics()
    before = model.get_weights()
    logs = model.train_on_batch(images, labels, return_dict=True)
    assert logs.keys() == expected.keys()
    assert any((old != new).any() for old, new in zip(before, model.get_weights()))


def test_mixed_precision_trains_and_puts_out_single_precision(make, images, labels, tmp_path):
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        model = plain_model(all_heads())
        assert model.backbone(images).dtype == "float16"
        assert {value.dtype.name for value in model(images).values()} == {"float32"}
        before = model.get_weights()
        history = model.fit(images, labels, batch_size=12, epochs=2, verbose=0).history
        assert np.isfinite(list(history.values())).all()
        assert any((old != new).any() for old, new in zip(before, model.get_weights()))
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        model.save(tmp_path / "model.keras")
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, keras.optimizers.LossScaleOptimizer)
    for name, value in again(images).items():
        np.testing.assert_allclose(value, model(images)[name], rtol=1e-3)


# === Callbacks ===


@pytest.mark.parametrize(
    ("monitor", "higher"),
    usually(
        [("val_score", True), ("val_age_mae", False)],
        [
            ("val_score", True),
            ("score", True),
            ("val_wear_accuracy", True),
            ("val_age_mae", False),
            ("val_age_loss", False),
            ("val_loss", False),
        ],
    ),
)
def test_callbacks_know_which_way_a_figure_is_better(make, images, labels, monitor, higher):
    model = make({"wear": 3, "age": mtl.RegressionHead()})
    rows = labels_of(labels, "wear", "age")
    callbacks = [keras.callbacks.EarlyStopping(monitor), keras.callbacks.ReduceLROnPlateau(monitor)]
    model.fit(images, rows, validation_data=(images, rows), callbacks=callbacks, epochs=2, verbose=0)
    for callback in callbacks:
        assert callback.mode == ("max" if higher else "min") or (monitor == "val_loss" and callback.mode == "auto")
        assert callback.monitor_op(2.0, 1.0) == higher


def test_early_stopping_on_the_score_stops_and_restores_the_best_weights(make, images, labels):
    model = make({"wear": 3}, keras.optimizers.SGD(0.0))
    worse = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.get_layer("wear").bias.assign([0.0, 50.0 * epoch, 0.0])
    )
    targets = {"wear": np.where(np.arange(ROWS) % 2, 0, -1)}
    model.get_layer("wear").set_weights([np.zeros((16, 3)), np.zeros(3)])
    stop = keras.callbacks.EarlyStopping("val_score", patience=2, restore_best_weights=True)
    history = model.fit(
        images, targets, validation_data=(images, targets), epochs=9, callbacks=[worse, stop], verbose=0
    ).history
    assert history["val_score"] == [1.0, 0.0, 0.0]
    assert model.get_layer("wear").bias.numpy().tolist() == [0, 0, 0]


def test_a_checkpoint_on_the_score_keeps_the_best_model_with_its_heads(make, images, labels, tmp_path):
    model = make({"wear": 3}, keras.optimizers.SGD(0.0))
    moves = iter([[0.0, 9.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
    move = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.get_layer("wear").bias.assign(next(moves))
    )
    targets = {"wear": np.zeros(ROWS, "int32")}
    path = tmp_path / "best.keras"
    model.get_layer("wear").set_weights([np.zeros((16, 3)), np.zeros(3)])
    checkpoint = keras.callbacks.ModelCheckpoint(path, monitor="val_score", save_best_only=True)
    model.fit(images, targets, validation_data=(images, targets), epochs=3, callbacks=[move, checkpoint], verbose=0)
    best = keras.models.load_model(path)
    assert best.get_layer("wear").bias.numpy().tolist() == [9, 0, 0]
    assert best.heads == model.heads


# === Adapting ===


def test_adapting_tells_the_output_layer_and_the_loss_also_when_it_comes_late(make, images, labels):
    early, late = (make({"age": mtl.RegressionHead()}, compiled=False) for _ in range(2))
    late.set_weights(early.get_weights())
    targets = {"age": labels["age"]}
    early.adapt(targets)
    for model in (early, late):
        model.compile(keras.optimizers.SGD(0.0))
    late.predict(images, verbose=0)  # its compiled functions hold mean 0 and scale 1 now
    late.evaluate(images, targets, verbose=0)
    late.adapt(targets)
    np.testing.assert_allclose(
        late.predict(images, verbose=0)["age"], early.predict(images, verbose=0)["age"], rtol=1e-5
    )
    expected = early.evaluate(images, targets, verbose=0, return_dict=True)
    assert late.evaluate(images, targets, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-4)
    assert expected["age_mae"] < 30


def test_adapting_takes_labels_by_name_only(make, labels):
    model = make({"wear": 3, "sex": mtl.BinaryHead()}, compiled=False)
    model.adapt({"wear": labels["wear"]})
    assert model.heads["sex"].label_counts is None
    with pytest.raises(ValueError, match="heads wear, sex, received also: age"):
        model.adapt({"age": labels["age"]})
    with pytest.raises(ValueError, match="by the names of the heads"):
        model.adapt([labels["wear"]])


# === Files ===


@pytest.mark.parametrize("trainable", usually(["all"], ["all", "heads", 2]))
def test_a_saved_model_comes_back_with_heads_optimizer_and_what_is_trainable(make, images, labels, tmp_path, trainable):
    model = make(compiled=False)
    model.backbone.get_layer("drop").rate = 0.0  # Keras keeps no random state in files
    model.adapt(labels)
    model.set_trainable(trainable)
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    model.fit(images, labels, batch_size=8, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    assert type(again) is MultiTaskModel
    assert again.heads == model.heads
    assert list(again.heads) == list(model.heads)
    assert (again.resize, again.name) == (model.resize, model.name)
    assert again.run_eagerly
    assert isinstance(again.backbone, Backbone)
    assert again.backbone.trainable == model.backbone.trainable
    assert [v.path for v in again.trainable_variables] == [v.path for v in model.trainable_variables]
    assert int(again.optimizer.iterations) == 3
    for one, other in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    for name, value in model.predict(images, verbose=0).items():
        np.testing.assert_array_equal(value, again.predict(images, verbose=0)[name])
    for each in (model, again):
        each.reset_metrics()
    expected = model.train_on_batch(images, labels, return_dict=True)
    assert again.train_on_batch(images, labels, return_dict=True) == pytest.approx(expected, rel=1e-4)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_model_saved_or_loaded_without_compiling_comes_back_too(make, images, labels, tmp_path):
    for model, compile in [(make({"wear": 3}, compiled=False), True), (make({"wear": 3}), False)]:
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras", compile=compile)
        assert not again.compiled
        np.testing.assert_array_equal(again(images)["wear"], model(images)["wear"])
        again.compile(run_eagerly=True)
        again.fit(images, labels_of(labels, "wear"), verbose=0)


def test_the_configuration_of_the_heads_is_plain_json_and_makes_the_same_model(make, images):
    model = make()
    config = model.get_config()
    clone = MultiTaskModel.from_config({**config, "heads": json.loads(json.dumps(config["heads"], allow_nan=False))})
    assert type(clone) is MultiTaskModel
    assert clone.heads == model.heads
    clone.set_weights(model.get_weights())
    for name, value in model(images).items():
        np.testing.assert_array_equal(value, clone(images)[name])
