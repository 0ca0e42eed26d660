"""Searching for a recipe: what is drawn, what becomes of it, and that a search goes on."""

from __future__ import annotations

import types

import keras
import pandas as pd
import pytest
from drawings import draw_table

import mtlzoo as mtl
from mtlzoo.cli.tuning import parse_space
from mtlzoo.data import split
from mtlzoo.heads import BinaryHead
from mtlzoo.models import build
from mtlzoo.training import Recipe, Stage
from mtlzoo.tuning import default_space, log
from mtlzoo.tuning.space import apply, read_space, usual_values

pytest.importorskip("optuna")
RECIPE = Recipe(stages=[Stage(2, 1e-3, "heads"), Stage(3, 1e-3)])
SPACE = {"learning_rate": log(1e-4, 1e-2), "label_smoothing": (0.0, 0.2), "mix": [None, "mixup"]}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    table = draw_table(tmp_path_factory.mktemp("drawn"), rows=16, size=(8, 8))
    return split(table.with_heads({"bright": BinaryHead()}), [0.5, 0.5])


@pytest.fixture(scope="module")
def model(rows):
    images = keras.Input((8, 8, 3))
    network = keras.Model(images, keras.layers.Conv2D(2, 3)(images))
    return build(network, rows[0].heads, weights=None, preprocessing="tf")


@pytest.fixture
def tune(rows, model, monkeypatch):
    """Searches without training: a recipe's score follows from its settings, and falls with the learning rate."""

    def network(dropout=0.1):
        return model

    def fit(model, train, valid, recipe, callbacks, verbose):
        tune.recipes.append(recipe)
        score = 1 - 50 * recipe.stages[-1].learning_rate - recipe.label_smoothing
        epochs = sum(stage.epochs for stage in recipe.stages)
        for epoch in range(epochs):
            if len(tune.recipes) in tune.breaks:
                raise tune.breaks.pop(len(tune.recipes))
            for callback in callbacks:
                callback.on_epoch_end(epoch, {"val_score": score})
        return types.SimpleNamespace(interrupted=False, best_epoch=0, history={"val_score": [score] * epochs})

    def tune(space=SPACE, recipe=RECIPE, **arguments):
        return mtl.tune(network, *rows, space, recipe=recipe, verbose=False, **arguments)

    monkeypatch.setattr("mtlzoo.tuning.trials.fit", fit)
    monkeypatch.setattr(
        "mtlzoo.tuning.trials.gc", types.SimpleNamespace(collect=lambda: None)
    )  # a search in half a second
    tune.recipes, tune.breaks = [], {}
    return tune


class Killed(BaseException):
    """The end of the process, after which nobody tells the storage anything."""


def test_the_recipe_itself_is_the_first_trial_and_the_best_is_found(tune):
    tuned = tune(trials=12)
    assert tune.recipes[0].stages == RECIPE.stages
    assert (tune.recipes[0].label_smoothing, tune.recipes[0].mix) == (RECIPE.label_smoothing, RECIPE.mix)
    frame = tuned.trials
    assert list(frame["number"]) == list(range(12))
    assert set(frame["state"]) == {"finished", "pruned"}
    assert (frame.loc[frame["state"] == "pruned", "epochs"] == 4).all()  # after the heads' stage and an epoch more
    best = frame.loc[frame["val_score"].idxmax()]
    assert tuned.best_score == best["val_score"] > frame.loc[0, "val_score"]
    assert tuned.best.stages[-1].learning_rate == best["stage.learning_rate"]
    assert tuned.best.stages[0] == RECIPE.stages[0]  # the heads' own
    assert tuned.best == tuned.best.with_settings(calibrate=True)


def test_a_search_goes_on_as_if_it_had_not_been_killed(tune, tmp_path, monkeypatch):
    whole = tune(trials=7).trials
    tune.recipes.clear()
    tune.breaks = {3: Killed()}
    with monkeypatch.context() as patch:
        patch.setattr("mtlzoo.tuning.trials.Search._give_up", lambda self, trial, error: (_ for _ in ()).throw(error))
        with pytest.raises(Killed):
            tune(trials=7, folder=tmp_path)
    assert tune(trials=5, folder=tmp_path).trials["state"].eq("failed").sum() == 1
    frame = tune(trials=7, folder=tmp_path).trials
    assert list(frame["note"]) == ["", "", "killed, tried again", *[""] * 5]
    kept = frame[frame["note"] == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept.drop(columns=["number", "minutes"]), whole.drop(columns=["number", "minutes"]))
    with pytest.raises(mtl.errors.StateError, match=r"`space` was .* Give another folder"):
        tune({"batch_size": [8, 16]}, folder=tmp_path)


def test_one_process_searches_into_a_folder(tune, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    with open(tmp_path / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(mtl.errors.StateError, match="another process"):
            tune(folder=tmp_path)


def test_what_fails_is_told_and_what_fails_first_ends_the_search(tune):
    tune.breaks = {2: ValueError("no memory")}
    with pytest.warns(UserWarning, match="Trial 1 failed: no memory"):
        frame = tune(trials=3).trials
    assert list(frame["state"]) == ["finished", "failed", "finished"]
    assert frame.loc[1, "note"] == "ValueError: no memory"
    tune.recipes.clear()
    tune.breaks = {1: ValueError("a bad image")}
    with pytest.raises(ValueError, match="a bad image"):
        tune(trials=3)


def test_time_and_interruptions_end_a_search_with_what_was_found(tune):
    assert len(tune(trials=9, minutes=1e-9).trials) == 1  # the first is finished in any case
    tune.recipes.clear()
    tune.breaks = {2: KeyboardInterrupt()}
    frame = tune(trials=9).trials
    assert list(frame["state"]) == ["finished", "failed", "waiting"]
    assert frame.loc[1, "note"] == "broken off, tried again"


def test_a_function_draws_what_it_likes(tune):
    def space(trial):
        part = trial.suggest_categorical("part", ["heads", "all"])
        return {"stage2.trainable": part, "build.dropout": trial.suggest_float("dropout", 0.0, 0.5)}

    tuned = tune(space, trials=3)
    assert tuned.best.stages[1].trainable in ("heads", "all")
    assert 0 <= tuned.best_build["dropout"] <= 0.5


def test_values_become_settings_of_the_stages_that_are_meant():
    def network(dropout=0.3):
        pass

    ranges = read_space(
        {"learning_rate": (1e-4, 1e-2), "stage1.epochs": (1, 3), "dropout": (0.0, 0.5)}, RECIPE, network
    )
    usual = {"stage.learning_rate": 1e-3, "stage1.epochs": 2, "build.dropout": 0.3}
    assert usual_values(ranges, RECIPE, network) == usual
    settings = apply(usual | {"stage.learning_rate": 5e-3, "stage1.epochs": 3}, RECIPE)
    assert [(stage.epochs, stage.learning_rate) for stage in settings.recipe.stages] == [(3, 1e-3), (3, 5e-3)]
    assert settings.build == {"dropout": 0.3}
    heads = Recipe(stages=[Stage(2, 1e-3, "heads")])
    assert apply({"stage.learning_rate": 5e-3}, heads).recipe.stages[0].learning_rate == 5e-3
    assert "layer_decay" in default_space(RECIPE, network)
    assert not {"layer_decay", "augment", "mix"} & default_space(heads).keys()
    for recipe in (RECIPE, heads, Recipe(stages=[Stage(2, 1e-3, "lora:4")])):
        assert read_space(default_space(recipe, network), recipe, network)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"learning_rat": (1, 2)}, r"Expected a setting of the recipe .* received: 'learning_rat'"),
        ({"stage3.epochs": (1, 2)}, r"received: 'stage3.epochs'"),
        ({"learning_rate": (2, 1)}, r"'learning_rate': Expected a range of a lower and a higher number"),
        ({"mix": "mixup"}, r"'mix': expected a pair of numbers"),
        ({"mix": [None]}, r"'mix': Expected a list of at least two"),
        ({}, r"Expected `space` as ranges"),
    ],
)
def test_wrong_spaces_are_refused_before_any_trial(tune, space, message):
    with pytest.raises(ValueError, match=message):
        tune(space)
    assert not tune.recipes


def test_ranges_of_the_command_line():
    texts = ["learning_rate=1e-4:1e-2:log", "stage1.epochs=1:3", "mix=none,mixup", "weight_decay=0,0.1"]
    assert parse_space(texts) == {
        "learning_rate": log(1e-4, 1e-2),
        "stage1.epochs": (1, 3),
        "mix": [None, "mixup"],
        "weight_decay": [0, 0.1],
    }
    for text in ("learning_rate", "learning_rate=1e-4", "mix=none:mixup", "=1:2", "a=1,2:log"):
        with pytest.raises(ValueError, match=r"received: "):
            parse_space([text])
