"""Recipes: what they are made of, what they refuse, and how one is made from another."""

from __future__ import annotations

import dataclasses
import inspect
import json

import pytest

import mtlzoo as mtl
from mtlzoo.training import DEFAULT_STAGES, FASHIONAI_STAGES, RECIPES, FeatureCache, Recipe, Stage, get_recipe
from mtlzoo.training.recipe import RecipeSettings, StagedSettings

FIELDS = {field.name: field for field in dataclasses.fields(Recipe)}
OTHER = {
    "stages": (Stage(1, 1e-4),),
    "balancing": "pcgrad",
    "batch_size": 7,
    "augment": None,
    "sample_weight": "weight",
    "cache": "memory",
    "jit_compile": False,
    "seed": 3,
    "features": FeatureCache(views=2),
    "devices": 2,
    "scale_learning_rate": True,
    "synchronize_batch_norm": True,
    "batch_norm": "frozen",
    "average": 0.99,
    "minutes": 10,
    "mix": "mixup",
    "sampling": "balanced",
    "label_smoothing": 0.2,
    "teach": mtl.Teach(labelled=0.5),
    "calibrate": False,
}


@pytest.mark.parametrize("stages", ["fast", Recipe(), 5, [5], ["fast"]])
def test_what_are_no_stages_is_refused_in_one_line(stages):
    with pytest.raises(
        TypeError, match=r"^Expected `stages` to be stages such as mtl.Stage\(5, 1e-4\), received: "
    ) as refused:
        Recipe(stages)
    assert ("passed as `recipe=`" in str(refused.value)) == isinstance(stages, Recipe | str)
    with pytest.raises(TypeError, match="Expected `stages`"):
        mtl.fit(None, None, None, stages)


def test_the_registry_names_recipes():
    assert RECIPES["default"] == Recipe()
    assert RECIPES["default"].stages == DEFAULT_STAGES
    assert RECIPES["fashionai"] == Recipe(stages=FASHIONAI_STAGES, label_smoothing=0.0, calibrate=False)
    for name, recipe in RECIPES.items():
        assert get_recipe(name) is recipe
        assert get_recipe(recipe) is recipe


def test_an_unknown_recipe_is_answered_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"Expected the name of a recipe, received: 'x'\. Valid names: default, fast, "
    ):
        get_recipe("x")
    with pytest.raises(
        TypeError, match=r"Expected the name of a recipe \(default, fast, .*\) or a Recipe, received: None"
    ):
        get_recipe(None)


def test_the_names_begin_with_the_default_and_hold_the_four_tutorials():
    assert mtl.list_recipes()[0] == "default"
    assert {"fast", "thorough", "fashionai", "hydranet", "head_api", "simple_detection"} <= set(mtl.list_recipes())


# === Texts and files ===


@pytest.mark.parametrize("name", [*RECIPES, "own"])
def test_a_recipe_comes_back_from_json(name):
    own = Recipe(
        stages=[Stage(2, 1e-2, ["conv_pw_1"], warmup=0.1, layer_decay=0.5)],
        balancing=mtl.balancing.CAGrad(c=0.3),
        augment=mtl.data.Augmentation(rotation=3),
        features=FeatureCache(views=2),
        cache="memory",
        average=0.9,
        mix=mtl.data.Mixing(cutmix=0),
    )
    recipe = own if name == "own" else get_recipe(name)
    again = Recipe.from_config(json.loads(json.dumps(recipe.get_config())))
    assert again.get_config() == recipe.get_config()
    assert str(again) == str(recipe)
    for one, other in zip(again.stages, recipe.stages, strict=True):
        made = [{**stage.make_optimizer(3).get_config(), "name": None} for stage in (one, other)]
        assert made[0] == made[1]


def test_what_is_no_setting_is_refused_in_a_file():
    with pytest.raises(TypeError, match=r"Expected settings of a recipe .*, received: speed"):
        Recipe.from_config({"speed": 3})


def test_a_recipe_says_what_it_does():
    recipe = Recipe([Stage(1, 1e-3, "heads"), Stage(9, 1e-4, warmup=0.1, clip_norm=1)], augment=None, minutes=3)
    assert str(recipe).splitlines() == [
        "1 epoch of the heads, adam, learning rate 0.001 (cosine)",
        "9 epochs of all layers, adam, learning rate 0.0001 (cosine), warmup=0.1, clip_norm=1",
        "batch_size=32, augment=None, minutes=3",
    ]


def test_hydranet_is_as_in_the_tutorial():
    (stage,) = get_recipe("hydranet").stages
    optimizer = stage.make_optimizer(1)
    assert (stage.epochs, type(optimizer).__name__, optimizer.momentum) == (10, "SGD", 0.09)
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)


@pytest.mark.parametrize("name", FIELDS)
def test_one_setting_is_changed_and_the_others_stay(name):
    changed = Recipe().with_settings(**{name: OTHER[name]})
    assert getattr(changed, name) == OTHER[name] != getattr(Recipe(), name)
    assert changed != Recipe()
    assert changed.with_settings(**{name: getattr(Recipe(), name)}) == Recipe()
    assert Recipe() == RECIPES["default"]


def test_all_settings_at_once_are_those_of_the_constructor():
    together = {name: value for name, value in OTHER.items() if name != "mix"}  # which does not go with a teacher
    assert Recipe().with_settings(**together) == Recipe(**together)


def test_an_unknown_setting_is_answered_with_the_known_ones():
    with pytest.raises(TypeError) as refused:
        Recipe().with_settings(batchsize=3, seed=1)
    assert str(refused.value) == f"Expected settings of a recipe ({', '.join(FIELDS)}), received: batchsize."


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().seed = 1


def test_stages_become_a_tuple():
    stage = Stage(2, 1e-3)
    assert Recipe(stage).stages == Recipe([stage]).stages == (stage,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": []}, "Expected at least one stage, received none"),
        ({"balancing": "nonsense"}, "nonsense"),
        ({"label_smoothing": 1.0}, "`label_smoothing` to be at least 0 and below 1, received: 1.0"),
        ({"batch_size": 0}, "Expected `batch_size` to be a whole number of at least 1, received: 0"),
        ({"batch_size": 2.5}, "Expected `batch_size` to be a whole number of at least 1, received: 2.5"),
        ({"augment": "nonsense"}, "Expected the name of an augmentation, received: 'nonsense'.*Valid names: default"),
        ({"jit_compile": "yes"}, "Expected `jit_compile` to be True, False or \"auto\", received: 'yes'"),
        ({"seed": -1}, "Expected `seed` to be a whole number of at least 0, received: -1"),
        ({"seed": True}, "Expected `seed` to be a whole number of at least 0, received: True"),
        ({"features": True}, 'Expected `features` to be "auto", None or a FeatureCache, received: True'),
        ({"batch_norm": "renew"}, "Expected `batch_norm` to be one of moving, fresh, frozen, received: 'renew'"),
        ({"average": 1}, "Expected `average` to be None or a momentum above 0 and below 1, received: 1"),
        ({"mix": "cut"}, "received: 'cut'"),
        ({"sampling": "rare"}, "Expected `sampling` to be None or one of repeat_factor, balanced, received: 'rare'"),
        ({"minutes": 0}, "Expected `minutes` to be None or a number above 0, received: 0"),
        ({"minutes": True}, "Expected `minutes` to be None or a number above 0, received: True"),
        ({"devices": "gpus"}, 'Expected `devices` to be None, "all", a positive number or names of devices'),
    ],
)
def test_invalid_settings_are_refused_at_once(settings, message):
    for make in (Recipe, Recipe().with_settings):
        with pytest.raises(ValueError, match=message):
            make(**settings)


def test_what_is_no_stage_is_refused():
    with pytest.raises(TypeError, match=r"Expected `stages` to be stages such as .*, received: 3"):
        Recipe([Stage(1), 3])


# === The settings as keyword arguments of `fit` ===


def test_every_setting_is_a_typed_argument_of_fit():
    assert set(StagedSettings.__annotations__) == set(FIELDS)
    assert set(RecipeSettings.__annotations__) == set(FIELDS) - {"stages"}
    for name, annotation in RecipeSettings.__annotations__.items():
        assert annotation.__forward_arg__ == FIELDS[name].type


def test_every_setting_is_documented():
    for documented in (Recipe.__doc__, inspect.getdoc(mtl.fit)):
        for name in FIELDS:
            assert f"{name}: " in documented or f"`{name}`: " in documented, name


def test_fit_refuses_before_it_looks_at_the_model():
    with pytest.raises(TypeError, match=r"Expected settings of a recipe \(stages, balancing, .*\), received: lr\."):
        mtl.fit(None, None, lr=1e-3)
    with pytest.raises(ValueError, match="Expected at least one stage"):
        mtl.fit(None, None, stages=[])
