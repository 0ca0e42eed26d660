"""Task-wise early stopping: the measure on curves made by hand, and what stopping a task does to training."""

from __future__ import annotations

import itertools
import math
import statistics

import keras
import numpy as np
import pytest
import tensorflow as tf
from asked import usually

import mtlzoo as mtl
from mtlzoo.training import TaskwiseEarlyStopping
from mtlzoo.training.task_stopping import stopping_measure

ROWS = 24


# === The measure ===


@pytest.mark.parametrize("patience", [1, 2, 5, 8])
@pytest.mark.parametrize("level", [min, statistics.median])
def test_a_level_error_measures_the_gap(patience, level):
    training = [0.4] * (patience + 1)
    assert stopping_measure(training, 0.6, patience, level=level) == pytest.approx(0.5)
    assert stopping_measure(training, 0.6, patience, importance=0.25, level=level) == pytest.approx(2.0)
    assert stopping_measure(training, 0.4, patience, level=level) == 0
    assert stopping_measure(training, 0.3, patience, level=level) == pytest.approx(-0.25)


def test_the_paper_by_its_median():
    """The paper's formula, term by term, is `patience` times as much."""
    training, validation, patience, importance = [1.2, 1.0, 0.8, 0.65, 0.55, 0.5, 0.47], 0.9, 5, 0.7
    strip = training[-6:]
    median = (0.65 + 0.55) / 2
    paper = (5 * median / (sum(strip) - 5 * median)) * ((0.9 - 0.47) / (0.7 * 0.47))
    measured = stopping_measure(training, validation, patience, importance, statistics.median)
    assert measured * patience == pytest.approx(paper)
    lowest = 0.47 / (sum(strip) - 5 * 0.47) * (0.9 - 0.47) / (0.7 * 0.47)
    assert stopping_measure(training, validation, patience, importance) == pytest.approx(lowest)


def test_the_faster_it_still_learns_the_less_speaks_for_stopping():
    def tendency(rate: float) -> float:
        training = [rate**epoch for epoch in range(6)]
        return stopping_measure(training, 2 * training[-1])  # a relative gap of 1

    tendencies = [tendency(rate) for rate in (1.0, 0.95, 0.9, 0.7, 0.5, 0.1)]
    assert tendencies[0] == pytest.approx(1)
    assert all(slower > faster > 0 for slower, faster in itertools.pairwise(tendencies))
    assert tendencies[-1] < 1e-4


def test_where_the_median_takes_a_falling_error_for_a_level_one():
    straight, late = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5], [1, 1, 1, 1, 0.6, 0.5]
    assert stopping_measure(straight, 1.0, level=statistics.median) == pytest.approx(1)
    assert stopping_measure(late, 1.0, level=statistics.median) == pytest.approx(10)
    assert stopping_measure(straight, 1.0) == pytest.approx(0.25)
    assert stopping_measure(late, 1.0) == pytest.approx(0.5 / 2.6)


@pytest.mark.parametrize("training", [[1, 1, 1, 1, 0.3, 0.2], [1, 1, 1, 1, 0.5, 0.5]])
def test_an_error_that_falls_steeply_goes_on_where_the_median_has_no_positive_denominator(training):
    assert stopping_measure(training, 5.0, level=statistics.median) == 0
    assert 0 < stopping_measure(training, 5.0) < 25 * 0.1


def test_errors_in_another_unit_measure_the_same(rng):
    training = rng.uniform(0.1, 1, 9)
    measured = stopping_measure(list(training), 0.8)
    assert stopping_measure(list(1000 * training), 800) == pytest.approx(measured)


def test_the_best_error_is_that_of_all_epochs_the_tendency_that_of_the_last():
    before = [0.1, 3.0, 7.0]
    assert stopping_measure([*before, 0.4, 0.4, 0.4], 0.6, patience=2) == pytest.approx((0.6 - 0.1) / 0.1)


def test_a_short_curve_measures_nothing():
    assert math.isnan(stopping_measure([0.4] * 5, 9.0, patience=5))
    assert math.isnan(stopping_measure([0.4] * 6, math.nan, patience=5))


# === What the callback makes of curves ===


@pytest.fixture
def model(network):
    model = network(
        {"color": 3, "noise": mtl.BinaryHead(loss_weight=0.5), "level": mtl.RegressionHead(mean=0, scale=1)}
    )
    model.compile(keras.optimizers.SGD(0.1))
    return model


def run(model, callback: TaskwiseEarlyStopping, curves: dict[str, list[tuple[float, float]]], first: int = 0) -> None:
    """Epochs with these losses in training and in validation."""
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, losses in enumerate(zip(*curves.values(), strict=True), start=first):
        callback.on_epoch_begin(epoch)
        logs = {f"{name}_loss": loss for name, (loss, _) in zip(curves, losses)}
        callback.on_epoch_end(epoch, {**logs, **{f"val_{name}_loss": loss for name, (_, loss) in zip(curves, losses)}})
    callback.on_train_end()


def factors(model) -> dict[str, float]:
    return dict(model.loss_factors)


LEARNING = [(0.7**epoch, 0.7**epoch) for epoch in range(8)]
MEMORISING = [(0.7, 0.7), (0.5, 0.7), (0.4, 0.8), (0.4, 0.9), (0.4, 0.9), (0.4, 0.9), (0.4, 0.9), (0.4, 0.9)]


def test_it_stops_the_task_that_memorises_and_says_so_once(model, capsys):
    callback = TaskwiseEarlyStopping("color", patience=2)
    run(model, callback, {"color": MEMORISING, "noise": MEMORISING, "level": LEARNING})
    # At epoch 3 the strip is 0.5, 0.4, 0.4, and noise half as important as color: 0.4 / 0.5 * 1.25 / 0.5.
    assert callback.stopped == {"noise": 3}
    assert factors(model) == {"color": 1, "noise": 0.01, "level": 1}
    (line,) = capsys.readouterr().out.splitlines()
    assert line == "noise stops pulling after epoch 4: its loss is 0.900 in validation, 0.400 at best in training"


def test_it_is_silent_if_told(model, capsys):
    callback = TaskwiseEarlyStopping(["color", "level"], patience=2, verbose=False)
    run(model, callback, {"color": MEMORISING, "noise": MEMORISING, "level": LEARNING})
    assert callback.stopped
    assert capsys.readouterr().out == ""


def test_the_order_of_the_tasks_does_not_matter(network):
    curves = {"color": MEMORISING, "noise": MEMORISING, "level": [(0.5, 1.2)] * 8, "bright": LEARNING}
    found = []
    for order in (list(curves), list(curves)[::-1], sorted(curves)):
        model = network(dict.fromkeys(order, 2))
        model.compile()
        callback = TaskwiseEarlyStopping("color", patience=2, verbose=False)
        run(model, callback, {name: curves[name] for name in order})
        found.append(callback.stopped)
    assert found[0] == found[1] == found[2] == {"level": 2, "noise": 4}


@pytest.mark.parametrize(("threshold", "stopped"), [(0.0, 2), (1.9, 3), (2.1, 4), (math.inf, None)])
def test_the_threshold_decides_when(model, threshold, stopped):
    callback = TaskwiseEarlyStopping("color", patience=2, threshold=threshold, verbose=False)
    run(model, callback, {"color": MEMORISING, "noise": MEMORISING, "level": LEARNING})
    assert callback.stopped.get("noise") == stopped


def test_only_the_ratio_of_loss_weights_matters(network):
    for scale in (0.1, 1.0, 20.0):
        heads = {"color": mtl.ClassificationHead(3, loss_weight=scale), "noise": mtl.BinaryHead(loss_weight=scale / 4)}
        model = network(heads)
        model.compile()
        callback = TaskwiseEarlyStopping("color", patience=2, threshold=3.9, verbose=False)
        run(model, callback, {"color": LEARNING, "noise": MEMORISING})
        assert callback.stopped == {"noise": 3}


def test_epochs_without_labelled_rows_do_not_count(model):
    gaps = [(0.0, 0.9), *MEMORISING[:2], (0.0, 0.9), *MEMORISING[2:4]]
    callback = TaskwiseEarlyStopping("color", patience=2, verbose=False)
    run(model, callback, {"color": LEARNING[:6], "noise": gaps, "level": [(0.3, 0.0)] * 6})
    assert callback.stopped == {"noise": 5}


def test_what_pulls_nothing_is_not_stopped_and_a_main_task_of_weight_zero_stops_none(network):
    for weights in ({"color": 1.0, "noise": 0.0}, {"color": 0.0, "noise": 1.0}):
        model = network({name: mtl.ClassificationHead(2, loss_weight=weight) for name, weight in weights.items()})
        model.compile()
        callback = TaskwiseEarlyStopping("color", patience=2, verbose=False)
        run(model, callback, {"color": LEARNING, "noise": MEMORISING})
        assert callback.stopped == {}


def test_a_later_stage_begins_with_what_was_stopped_and_a_new_callback_afresh(model):
    callback = TaskwiseEarlyStopping("color", patience=2, weight=0.2, verbose=False)
    level = [(0.05, 0.05)] * 8
    run(model, callback, {"color": MEMORISING, "noise": MEMORISING, "level": level})
    model.compile()
    assert set(factors(model).values()) == {1.0}
    run(model, callback, {"color": LEARNING, "noise": LEARNING, "level": level}, first=8)
    assert factors(model)["noise"] == 0.2
    assert callback.stopped == {"noise": 3}
    run(model, TaskwiseEarlyStopping("color"), {"color": LEARNING, "noise": LEARNING, "level": level})
    assert set(factors(model).values()) == {1.0}


# === Training ===


@pytest.fixture
def rows() -> list[tf.data.Dataset]:
    """Training and validation images whose colour tells `color`, while `noise` can only be memorised."""
    rng = np.random.default_rng(1)
    parts = []
    for _ in range(2):
        color = np.arange(ROWS) % 3
        images = rng.uniform(0, 80, (ROWS, 12, 10, 3)) + rng.uniform(0, 90, (ROWS, 1, 1, 3))
        images[np.arange(ROWS), ..., color] += 80
        labels = {"color": color, "noise": rng.integers(0, 2, ROWS).astype("float32")}
        parts.append(tf.data.Dataset.from_tensor_slices((images.astype("float32"), labels)).batch(6))
    return parts


@pytest.fixture
def pair(network):
    model = network({"color": 3, "noise": mtl.BinaryHead(hidden=[64], loss_weight=0.5)})
    model.compile(keras.optimizers.SGD(0.2))
    return model


class Kernels(keras.callbacks.Callback):
    """Notes the kernels of the first layer and of the heads' last ones at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        layers = [
            self.model.backbone.get_layer("first"),
            *map(self.model.get_layer, ("color", "noise", "noise_hidden_1")),
        ]
        self.epochs.append({layer.name: layer.get_weights()[0] for layer in layers})

    def moved(self) -> dict[str, list[float]]:
        """How far each went from epoch to epoch."""
        pairs = list(itertools.pairwise(self.epochs))
        return {name: [np.abs(one[name] - other[name]).max() for one, other in pairs] for name in self.epochs[0]}


def total(history: dict, epoch: int, stop: int, weight: float, prefix: str = "") -> float:
    """What `loss` should be: the heads' losses with their weights, that of `noise` lowered after its last epoch."""
    lowered = weight if epoch > stop else 1.0
    return history[f"{prefix}color_loss"][epoch] + 0.5 * lowered * history[f"{prefix}noise_loss"][epoch]


@pytest.mark.parametrize(("weight", "run_eagerly"), usually([(0.0, True)], [(0.0, False), (0.01, False), (0.0, True)]))
def test_random_labels_stop_pulling_while_the_main_task_goes_on(pair, rows, weight, run_eagerly):
    pair.compile(keras.optimizers.SGD(0.2), run_eagerly=run_eagerly)
    callback = TaskwiseEarlyStopping("color", patience=2, threshold=0.3, weight=weight, verbose=False)
    kernels, configs = Kernels(), {name: head.get_config() for name, head in pair.heads.items()}
    history = pair.fit(rows[0], epochs=12, validation_data=rows[1], callbacks=[callback, kernels], verbose=0).history
    assert list(callback.stopped) == ["noise"]
    stop = callback.stopped["noise"]
    assert 2 <= stop <= 8

    moved = kernels.moved()
    assert min(moved["color"]) > 0
    assert min(moved["first"]) > 0
    for layer in ("noise", "noise_hidden_1"):
        before, after = min(moved[layer][:stop]), max(moved[layer][stop:])
        assert after == 0 if weight == 0 else 0 < after < 0.1 * before
    assert history["color_loss"][-1] < 0.8 * history["color_loss"][stop]

    for epoch, prefix in itertools.product(range(12), ("", "val_")):
        assert history[f"{prefix}loss"][epoch] == pytest.approx(total(history, epoch, stop, weight, prefix), rel=1e-4)
    assert pair.evaluate(rows[1], return_dict=True, verbose=0)["loss"] == pytest.approx(history["val_loss"][-1])
    assert {name: head.get_config() for name, head in pair.heads.items()} == configs


def test_the_shared_layers_feel_a_stopped_task_by_its_weight(pair, rows):
    """One step of plain gradient descent without the other task moves by the factor."""
    images, labels = next(iter(rows[0]))
    first, start, steps = pair.backbone.get_layer("first"), pair.get_weights(), {}
    for factor in (1.0, 0.25, 0.0):
        pair.set_weights(start)
        pair.set_loss_factor("noise", factor)
        pair.train_on_batch(images, {"noise": labels["noise"]})
        steps[factor] = first.get_weights()[0] - start[0]
    assert np.abs(steps[1.0]).max() > 1e-4
    np.testing.assert_allclose(steps[0.25], 0.25 * steps[1.0], rtol=0.01, atol=1e-6)
    np.testing.assert_array_equal(steps[0.0], 0)


def test_it_works_across_the_stages_of_fit_and_leaves_nothing_in_the_file(pair, rows, tmp_path, capsys):
    callback = TaskwiseEarlyStopping("color", patience=2, threshold=0.3)
    stages = [mtl.Stage(8, 0.2, optimizer="sgd", schedule="constant"), mtl.Stage(3, 0.1, optimizer="sgd")]
    history = mtl.fit(pair, *rows, stages, callbacks=[callback]).history
    assert list(callback.stopped) == ["noise"]
    stop = callback.stopped["noise"]
    assert stop < 7
    for epoch in range(11):
        assert history["loss"][epoch] == pytest.approx(total(history, epoch, stop, 0.01), rel=1e-4)
    printed = capsys.readouterr().out.splitlines()
    (place,) = [place for place, line in enumerate(printed) if line.startswith("noise stops pulling")]
    assert printed[place - 1].startswith(f"epoch {stop + 1:2}/11")

    for path in (tmp_path / "model.h5", tmp_path / "model.keras"):
        mtl.export(pair, path)
        again = mtl.load_model(path)
        assert again.heads["noise"].loss_weight == 0.5
        again.compile()
        assert set(factors(again).values()) == {1.0}


# === What is refused ===


def test_a_main_task_that_is_no_head_is_refused_before_training(model, rows):
    with pytest.raises(ValueError, match=r"heads of the model \(color, noise, level\), received: colour, age"):
        model.fit(rows[0], callbacks=[TaskwiseEarlyStopping(["colour", "level", "age"])], verbose=0)


def test_other_models_have_no_heads(rows):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match="it has none"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), callbacks=[TaskwiseEarlyStopping("color")], verbose=0)


def test_validation_figures_are_needed(eagerly, model, rows):
    with pytest.raises(ValueError, match=r"Expected validation metrics in every epoch.*validation_data"):
        model.fit(rows[0], callbacks=[TaskwiseEarlyStopping("color")], verbose=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"main": []}, "`main` to be the name of a head"),
        ({"main": [3]}, "`main` to be the name of a head"),
        ({"patience": 0}, "`patience` to be a positive whole number of epochs, received: 0"),
        ({"patience": 2.5}, "received: 2.5"),
        ({"threshold": -1}, "`threshold` to be a number of at least 0"),
        ({"threshold": math.nan}, "`threshold`"),
        ({"weight": 1}, r"`weight` to be a number in \[0, 1\), received: 1"),
        ({"weight": -0.1}, "`weight`"),
    ],
)
def test_wrong_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TaskwiseEarlyStopping(**{"main": "color", **wrong})


def test_wrong_loss_factors_are_refused(model, network):
    with pytest.raises(ValueError, match=r"name of a head \(color, noise, level\), received: 'colour'"):
        model.set_loss_factor("colour", 0.5)
    for factor in (-1, math.inf, math.nan):
        with pytest.raises(ValueError, match="factor of at least 0"):
            model.set_loss_factor("color", factor)
    with pytest.raises(ValueError, match="Expected a compiled model"):
        network({"color": 3}).set_loss_factor("color", 0.5)
