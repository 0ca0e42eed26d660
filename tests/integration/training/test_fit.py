"""Training in stages: what moves, what is kept, what is told, and that it can be repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import seeded_training
import tensorflow as tf

from mtlzoo.data import ImageCache, LabelTable, TableError, image_dataset
from mtlzoo.heads import BinaryHead, ClassificationHead, RegressionHead
from mtlzoo.training import Recipe, Stage, Trainer, fit

QUICK = {"batch_size": 12, "augment": None, "verbose": False}
ONE_STEP = {**QUICK, "batch_size": 48}  # an epoch
TWO_STEPS = {**QUICK, "batch_size": 24}


class Recorder(keras.callbacks.Callback):
    """Notes what a callback sees."""

    def __init__(self):
        super().__init__()
        self.epochs, self.weights, self.steps = [], {}, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)
        self.steps.append(self.params["steps"])

    def on_epoch_end(self, epoch, logs=None):
        self.weights[epoch] = self.model.get_weights()


def score(model, table: LabelTable) -> float:
    """`val_score` as Keras' own `evaluate` counts it."""
    dataset = image_dataset(table.for_heads(model.heads), model.input_shape[1:3], 16)
    return model.evaluate(dataset, return_dict=True, verbose=0)["score"]


def equal(weights: list, others: list) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(weights, others, strict=True))


# === A training run in two stages ===

STAGES = [Stage(1, 1e-2, "heads", schedule="constant"), Stage(5, 2e-2, "all", batch_size=16)]


@pytest.fixture(scope="module")
def trained(drawn, network):
    """A model, its history, what a callback saw, and the models' scores that `on_best` saw."""
    model, recorder, bests = network(drawn[0].heads), Recorder(), []
    start = model.get_weights()
    history = fit(
        model,
        *drawn,
        STAGES,
        calibrate=False,
        callbacks=[recorder],
        on_best=lambda best: bests.append(best.get_weights()),
        label_smoothing=0.0,
        **QUICK,
    )
    return model, history, recorder, bests, start


def test_it_learns(trained):
    scores = trained[1].history["val_score"]
    assert max(scores) > 0.75
    assert max(scores) > scores[0] + 0.2
    assert trained[1].history["loss"][-1] < 0.6 * trained[1].history["loss"][1]


def test_the_history_goes_on_over_the_stages(trained):
    history = trained[1]
    assert history.epoch == list(range(6))
    assert {len(column) for column in history.history.values()} == {6}
    assert history.history["stage"] == [1, 2, 2, 2, 2, 2]
    cosine = 0.02 * (1 + np.cos(np.pi * np.arange(5) / 5)) / 2
    np.testing.assert_allclose(history.history["learning_rate"], [0.01, *cosine], rtol=1e-5)
    named = {
        "loss",
        "score",
        "color_loss",
        "color_accuracy",
        "bright_loss",
        "bright_accuracy",
        "level_loss",
        "level_mae",
    }
    assert set(history.history) == {"stage", "learning_rate", *named, *(f"val_{name}" for name in named)}
    assert all(type(value) is float for value in history.history["val_score"])
    assert history.interrupted is False
    assert history.model is trained[0]


def test_callbacks_see_one_training(trained):
    assert trained[2].epochs == list(range(6))
    assert trained[2].steps == [4, 3, 3, 3, 3, 3]


def test_the_best_weights_are_left(trained, drawn):
    model, history, recorder = trained[:3]
    scores = history.history["val_score"]
    assert history.best_epoch == int(np.argmax(scores))
    assert equal(model.get_weights(), recorder.weights[history.best_epoch])
    assert score(model, drawn[1]) == pytest.approx(max(scores), abs=1e-6)


def test_on_best_sees_every_new_best(trained):
    _, history, recorder, bests, _ = trained
    scores = history.history["val_score"]
    new = [epoch for epoch in range(6) if scores[epoch] > max([-1.0, *scores[:epoch]])]
    assert len(bests) == len(new)
    assert all(equal(best, recorder.weights[epoch]) for best, epoch in zip(bests, new))


def test_a_frozen_backbone_stays_as_it_was(trained, network, drawn):
    """Batch normalisation's averages too."""
    model, _, recorder, _, start = trained
    backbone = len(model.backbone.get_weights())
    assert equal(recorder.weights[0][:backbone], start[:backbone])
    assert not any(np.array_equal(one, other) for one, other in zip(recorder.weights[0][backbone:], start[backbone:]))
    assert not any(np.array_equal(one, other) for one, other in zip(model.backbone.get_weights(), start[:backbone]))


def test_each_stage_starts_from_the_best_weights(drawn, network, eagerly):
    """A learning rate that ruins everything in the second stage costs the third nothing."""
    model, recorder = network({"color": drawn[0].heads["color"]}), Recorder()
    stages = [Stage(1, 1e-2), Stage(1, 1e3), Stage(1, 1e-9)]
    history = fit(model, *drawn, stages, callbacks=[recorder], **TWO_STEPS)
    scores = history.history["val_score"]
    assert not scores[1] > scores[0]
    kernels = [place for place, weight in enumerate(recorder.weights[0]) if weight.ndim > 1]
    for place in kernels:
        np.testing.assert_allclose(recorder.weights[2][place], recorder.weights[0][place], atol=1e-6)


# === Repeatability ===


@pytest.mark.long
def test_the_same_seed_gives_the_same_numbers_in_every_process(tmp_path):
    """To the last bit: the order, the augmentations, dropout, and sums over several threads."""
    repository = Path(__file__).parents[3]
    (tmp_path / "other").mkdir()
    command = [sys.executable, seeded_training.__file__, str(tmp_path / "other")]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        here = seeded_training.outcome(tmp_path)
        printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert len(here) == 3
    assert printed.splitlines() == here


def test_the_same_seed_gives_the_same_numbers_twice(drawn, network, eagerly):
    """Wherever Keras' generators were when the model was built, and whatever it was used for before."""

    def run(seed: int, spoil: bool) -> tuple[list, list]:
        model = network({"color": drawn[0].heads["color"]}, dropout=0.5)
        start = model.get_weights()
        if spoil:
            keras.utils.set_random_seed(99)
            model(np.zeros((2, 12, 10, 3)), training=True)
            model.set_weights(start)
        history = fit(model, *drawn, Stage(2, 1e-2), seed=seed, **{**TWO_STEPS, "augment": "default"})
        return model.get_weights(), [history.history[name] for name in ("loss", "val_score")]

    first, again, other = run(1, False), run(1, True), run(2, False)
    assert first[1] == again[1]
    assert equal(first[0], again[0])
    assert first[1] != other[1]


def test_each_stage_draws_its_own_order_from_the_seed(drawn, network, eagerly):
    """With next to no learning rate the loss of an epoch tells what was drawn for it."""

    def losses(seed: int) -> list[float]:
        stages = [Stage(1, 1e-12), Stage(1, 1e-12)]
        options = {**TWO_STEPS, "augment": "default"}
        return fit(network({"color": 3}), drawn[0], stages=stages, seed=seed, **options).history["loss"]

    first, again, other = losses(4), losses(4), losses(5)
    assert first == again
    assert len({*first, *other}) == 4


def test_kept_images_give_the_same_numbers(drawn, network, eagerly):
    options = {**TWO_STEPS, "augment": "default"}
    stages = [Stage(1), Stage(2)]
    expected = fit(network({"color": 3}), *drawn, stages, **options)
    cache = ImageCache()
    for _ in range(2):
        assert fit(network({"color": 3}), *drawn, stages, cache=cache, **options).history == expected.history
    assert cache.used > 0
    trainer = Trainer(network({"color": 3}), *drawn, Recipe(stages, cache="memory", batch_size=24), verbose=False)
    assert trainer.run().history == expected.history
    assert trainer.settings.cache.used == cache.used  # one for all rows and stages


# === Ends of stages ===


def test_patience_ends_each_stage(drawn, network, eagerly):
    """With next to no learning rate the first epoch stays the best."""
    stages = [Stage(6, 1e-12, patience=2), Stage(6, 1e-12, patience=3)]
    history = fit(network({"color": drawn[0].heads["color"]}), *drawn, stages, **ONE_STEP)
    first = history.history["stage"].count(1)
    assert history.epoch == list(range(len(history.epoch)))
    assert history.best_epoch + 2 == first - 1
    assert history.history["stage"].count(2) == 3


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.at, self.epoch = epoch, None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (self.at, 1):
            raise KeyboardInterrupt


def test_an_interruption_leaves_the_best_weights(drawn, network, eagerly):
    model, recorder = network({"color": drawn[0].heads["color"]}), Recorder()
    stages = [Stage(2, 2e-2), Stage(3, 1e-3), Stage(2, 1e-3)]
    history = fit(model, *drawn, stages, callbacks=[recorder, Interrupt(3)], calibrate=False, **TWO_STEPS)
    assert history.interrupted is True
    assert history.epoch == [0, 1, 2]
    assert history.history["stage"] == [1, 1, 2]
    assert history.best_epoch == int(np.argmax(history.history["val_score"]))
    assert equal(model.get_weights(), recorder.weights[history.best_epoch])
    assert score(model, drawn[1]) == pytest.approx(max(history.history["val_score"]), abs=1e-6)


def test_an_interruption_of_the_first_epoch(drawn, network, eagerly):
    history = fit(network({"color": 3}), *drawn, Stage(2), callbacks=[Interrupt(0)], **QUICK)
    assert history.interrupted is True
    assert history.epoch == []
    assert history.history == {}
    assert history.best_epoch is None


# === What may be given ===


def test_without_validation_the_last_weights_stay(drawn, network, eagerly):
    model, recorder = network({"color": drawn[0].heads["color"]}), Recorder()
    history = fit(model, drawn[0], stages=Stage(2, 1e-2), callbacks=[recorder], **TWO_STEPS)
    assert not any(name.startswith("val_") for name in history.history)
    assert history.best_epoch == 1
    assert equal(model.get_weights(), recorder.weights[1])


def test_datasets_instead_of_tables(drawn, network, eagerly):
    model = network({"color": drawn[0].heads["color"]})
    train, valid = (image_dataset(table.for_heads(model.heads), (12, 10), 24, shuffle=True) for table in drawn)
    history = fit(model, train, valid, [Stage(1, 1e-2), Stage(1, 1e-2)], **QUICK)
    assert history.epoch == [0, 1]
    assert history.history["val_score"][history.best_epoch] == max(history.history["val_score"])
    endless = tf.data.Dataset.from_generator(lambda: iter(()), output_signature=train.element_spec)
    with pytest.raises(ValueError, match=r"Expected a dataset that knows its length, .*assert_cardinality"):
        fit(model, endless, valid, Stage(1), **QUICK)
    with pytest.raises(ValueError, match="Expected a dataset that knows its length"):
        fit(model, train.repeat(), valid, Stage(1), **QUICK)


def test_an_optimizer_with_its_settings(drawn, network, eagerly):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(self.model.optimizer)

    given = keras.optimizers.SGD(9.0, momentum=0.8)
    stages = [Stage(1, 1e-2, optimizer=given), Stage(1, 1e-3, optimizer="rmsprop")]
    history = fit(network({"color": 3}), *drawn, stages, callbacks=[Look()], **ONE_STEP)
    assert [type(optimizer).__name__ for optimizer in seen] == ["SGD", "RMSprop"]
    assert seen[0] is not given
    assert seen[0].momentum == 0.8
    np.testing.assert_allclose(history.history["learning_rate"], [1e-2, 1e-3])


def test_rows_without_weight_do_not_count(drawn, network, eagerly):
    train = drawn[0]
    frame = train.frame.assign(weight=0.0)
    model = network({"color": train.heads["color"]})
    before = model.get_weights()[-2:]
    table = LabelTable(frame, train.heads, root=train.root)
    history = fit(model, table, stages=Stage(1, 0.1), sample_weight="weight", **TWO_STEPS)
    assert history.history["loss"] == [0.0]
    assert equal(model.get_weights()[-2:], before)


def test_labels_are_read_by_the_models_heads(drawn, network):
    """Whatever order of classes the tables' own heads have, and with or without columns that the model does not know."""
    model = network({"color": ClassificationHead(["red", "blue", "green"]), "other": 4})
    train, valid = drawn
    other = valid.with_heads({"color": ClassificationHead(["green", "red", "blue"]), "bright": BinaryHead()})
    history = fit(model, train, other, Stage(5, 2e-2), **QUICK)
    assert max(history.history["val_color_accuracy"]) > 0.9
    images = next(iter(image_dataset(valid, (12, 10), 16, labels=False)))
    answers = model.heads["color"].decode(model.predict_on_batch(images)["color"])["answer"]
    labelled = valid.labelled()["color"].to_numpy()
    assert np.mean(answers[labelled] == valid.frame["color"].to_numpy()[labelled]) > 0.9


def test_heads_without_names_learn_the_tables_classes(drawn, network):
    model = network({"color": 3})
    history = fit(model, *drawn, Stage(5, 2e-2), **QUICK)
    assert max(history.history["val_color_accuracy"]) > 0.9


def test_heads_learn_what_they_need_from_the_training_rows(drawn, network, eagerly):
    heads = {
        "color": ClassificationHead(drawn[0].heads["color"].names, class_weight="balanced"),
        "level": RegressionHead(),
    }
    model = network(heads)
    fit(model, *drawn, Stage(1, 1e-12), **ONE_STEP)
    labels = drawn[0].labels()
    assert model.heads["color"].label_counts == np.bincount(labels["color"][labels["color"] >= 0]).tolist()
    assert model.heads["level"].mean == pytest.approx(np.nanmean(labels["level"]))
    images = next(iter(image_dataset(drawn[1], (12, 10), 16, labels=False)))
    assert model.predict_on_batch(images)["level"].mean() == pytest.approx(np.nanmean(labels["level"]), abs=1.5)


def test_progress_is_shown_unless_told_otherwise(drawn, network, capsys, eagerly):
    model = network({"color": 3})
    fit(model, *drawn, [Stage(1, 1e-3, "heads"), Stage(1, 1e-4)], **{**ONE_STEP, "verbose": True})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Stage 1 of 2: heads, learning rate 0.001"
    assert lines[2] == "Stage 2 of 2: all, learning rate 0.0001"
    assert [line.split("  ")[0] for line in lines[1::2]] == ["epoch 1/2", "epoch 2/2"]
    assert lines[1].endswith("  best")
    fit(model, *drawn, Stage(1, 1e-4), **ONE_STEP)
    assert capsys.readouterr().out == ""


# === Refusals ===


def test_what_cannot_be_is_refused_before_anything_is_trained(drawn, network):
    model, recorder = network(drawn[0].heads), Recorder()
    before = model.get_weights()
    with pytest.raises(ValueError, match="Expected at least one stage"):
        fit(model, *drawn, [], callbacks=[recorder])
    with pytest.raises(ValueError, match="Expected the name of a layer or layer group of 'tiny', received 'third'"):
        fit(model, *drawn, [Stage(1), Stage(1, trainable=["third"])], callbacks=[recorder])
    for arguments in ({"stages": [Stage(1), Stage(1, patience=2)]}, {"stages": Stage(1), "on_best": print}):
        with pytest.raises(ValueError, match="Expected validation rows, which `on_best` and `patience` need"):
            fit(model, drawn[0], callbacks=[recorder], **arguments)
    with pytest.raises(TableError, match=r"drawn.csv: no rows to validate on\."):
        fit(model, drawn[0], drawn[1].take([]), callbacks=[recorder])
    with pytest.raises(TableError, match=r"drawn.csv: no rows\."):
        fit(model, drawn[0].take([]), drawn[1], callbacks=[recorder])
    red = drawn[0].take((drawn[0].frame["color"] == "red").to_numpy())
    with pytest.raises(TableError, match=r"drawn.csv: head 'color' has one label only, 'red'"):
        fit(model, red, drawn[1], callbacks=[recorder])
    assert recorder.epochs == []
    assert equal(model.get_weights(), before)


def test_labels_that_the_model_does_not_know(drawn, network):
    model = network({"color": ClassificationHead(["red", "blue"])})
    with pytest.raises(
        TableError, match=r"drawn.csv, line \d+ \(\d+.png\): head 'color': unknown label 'green', expected"
    ):
        fit(model, *drawn, Stage(1), **QUICK)
    with pytest.raises(
        TableError, match=r"drawn.csv: no column for any of the heads size; the columns are: image, color"
    ):
        fit(network({"size": 3}), *drawn, Stage(1), **QUICK)


def test_a_image_that_breaks_off_training_is_named(drawn, network, tmp_path, eagerly):
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    frame = drawn[0].frame.assign(image=drawn[0].paths())
    frame.iloc[5, 0] = str(tmp_path / "broken.jpg")
    table = LabelTable(frame, drawn[0].heads, source="drawn.csv", first_line=2)
    line = frame.index[5] + 2
    with pytest.raises(TableError, match=rf"^drawn.csv, line {line} \(.*broken.jpg\): not an image"):
        fit(network({"color": 3}), table, drawn[1], Stage(1), **QUICK)
    valid = LabelTable(frame, drawn[0].heads, source="valid.csv", first_line=2)
    with pytest.raises(TableError, match=rf"^valid.csv, line {line} "):
        fit(network({"color": 3}), drawn[0], valid, Stage(1), **ONE_STEP)


def test_a_table_of_another_kind_is_no_problem(network, drawn, eagerly):
    """Labels as a user's own frame may hold them: categories, numbers, truth values."""
    train = drawn[0]
    frame = pd.DataFrame(
        {
            "image": train.paths(),
            "color": train.frame["color"].astype("category").to_numpy(),
            "bright": train.frame["bright"].map({"yes": True, "no": False}).to_numpy(),
        }
    )
    model = network({"color": train.heads["color"], "bright": BinaryHead()})
    history = fit(model, LabelTable(frame, model.heads), stages=Stage(1, 1e-2), **ONE_STEP)
    assert np.isfinite(history.history["loss"][0])
