"""Training by a recipe is training with its settings given one by one."""

from __future__ import annotations

import inspect

import keras
import pytest
from eager import eager_steps

import mtlzoo as mtl
from mtlzoo.training import FeatureCache, Recipe, Stage, Trainer, fit
from mtlzoo.training.recipe import RecipeSettings

pytestmark = pytest.mark.usefixtures("eagerly")
HEADS = ("color", "level")
STAGES = [Stage(2, 1e-2, "heads"), Stage(1, 1e-2)]
SETTINGS = {
    "balancing": "pcgrad",
    "batch_size": 24,
    "augment": "default",
    "sample_weight": "weight",
    "cache": "memory",
    "jit_compile": False,
    "seed": 3,
    "features": FeatureCache(views=1),
    "devices": 1,
    "scale_learning_rate": True,
    "synchronize_batch_norm": True,
    "batch_norm": "fresh",
    "average": 0.9,
    "minutes": None,
    "mix": None,
    "sampling": "repeat_factor",
    "label_smoothing": 0.2,
    "teach": mtl.Teach(),
    "calibrate": True,
}


def make(drawn, network) -> mtl.models.MultiTaskModel:
    return network({name: drawn[0].heads[name] for name in HEADS}, dropout=0.5)


def outcome(model, history: keras.callbacks.History) -> tuple:
    return [weight.tobytes() for weight in model.get_weights()], history.history, history.best_epoch


@pytest.fixture(scope="module")
def singly(drawn, network, tmp_path_factory):
    """What comes out with every keyword argument that `fit` has, and what was called."""
    model, bests, begun = make(drawn, network), [], []
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    folder = tmp_path_factory.mktemp("state")
    watching = {"resume": folder, "callbacks": [callback], "on_best": bests.append, "verbose": False}
    with eager_steps():
        history = fit(model=model, train=drawn[0], valid=drawn[1], stages=STAGES, **watching, **SETTINGS)
    assert (folder / "training-state.npz").is_file()
    assert begun == [0, 1, 2]
    assert bests
    return outcome(model, history)


def test_no_keyword_is_left_out_here():
    named = {*inspect.signature(fit).parameters, *RecipeSettings.__annotations__} - {"settings", "recipe"}
    assert named == {"model", "train", "valid", "stages", "resume", "callbacks", "on_best", "verbose", *SETTINGS}


def test_a_recipe_gives_the_same_to_the_last_bit(drawn, network, singly):
    model = make(drawn, network)
    history = fit(model, *drawn, recipe=Recipe(STAGES, **SETTINGS), verbose=False)
    assert outcome(model, history) == singly


def test_single_settings_and_stages_override_the_recipe(drawn, network, singly):
    other = Recipe([Stage(9, 1.0)], **{**SETTINGS, "seed": 8, "batch_size": 5})
    model = make(drawn, network)
    history = fit(model, *drawn, STAGES, recipe=other, seed=3, batch_size=24, verbose=False)
    assert outcome(model, history) == singly


def test_a_trainer_is_what_fit_runs(drawn, network, singly, capsys):
    trainer = Trainer(make(drawn, network), *drawn, Recipe(STAGES, **SETTINGS))
    history = trainer.run()
    assert outcome(trainer.model, history) == singly
    assert history is trainer.history
    assert "Stage 2 of 2: all, learning rate 0.01" in capsys.readouterr().out


def test_a_recipe_has_a_name(drawn, network, monkeypatch):
    monkeypatch.setitem(mtl.training.RECIPES, "quick", Recipe([Stage(1, 1e-2)], batch_size=24))
    history = fit(network({"color": 3}), *drawn, recipe="quick", verbose=False)
    assert history.epoch == [0]
    with pytest.raises(ValueError, match=r"Expected the name of a recipe, received: 'slow'\. .*quick"):
        fit(network({"color": 3}), *drawn, recipe="slow", verbose=False)
