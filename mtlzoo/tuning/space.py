"""Which settings are searched: their names, and how values of them become a recipe."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mtlzoo.training import Recipe, Stage
from mtlzoo.tuning.range import Choice, Range, log, read_range

RECIPE = tuple(field.name for field in fields(Recipe) if field.name not in ("stages", "seed"))
STAGE = tuple(field.name for field in fields(Stage))
NUMBERED = re.compile(r"stage([1-9]\d*)$")


@dataclass(frozen=True)
class Settings:
    """What a trial is: a recipe, and what the model is built with.

    Attributes:
        recipe: The recipe.
        build: The arguments for `build`.
    """

    recipe: Recipe
    build: dict[str, Any]


def default_space(recipe: Recipe, build: Callable[..., Any] | None = None) -> dict[str, Any]:
    """What is worth searching first.

    Learning rate and weight decay, label smoothing, dropout if `build` takes it, and, where the whole network is trained,
    layer decay, augmentation and mixing. Heads alone are trained on cached features, which do not vary.

    Args:
        recipe: Where the search begins.
        build: The function that builds the model.

    Returns:
        Ranges by name, for `space=` of :func:`mtlzoo.tune`; take out or add what you like.

    Example:

    ```python
    space = mtl.tuning.default_space(mtl.Recipe()) | {"balancing": [None, "uncertainty", "cagrad"]}
    ```
    """
    space: dict[str, Any] = {"learning_rate": log(1e-4, 1e-2)}
    if all(stage.trainable == "heads" for stage in recipe.stages):
        space["learning_rate"] = log(3e-4, 3e-2)
    else:
        space["layer_decay"] = log(0.05, 1.0)
        space["augment"] = ["default", "light", "strong"]
        if recipe.teach is None:
            space["mix"] = [None, "mixup", "cutmix"]
    if not any(str(stage.trainable).startswith("lora") for stage in recipe.stages):
        space["weight_decay"] = [0.0, 0.003, 0.01, 0.03, 0.1]
    space["label_smoothing"] = (0.0, 0.2)
    if build is not None and "dropout" in inspect.signature(build).parameters:
        space["build.dropout"] = (0.0, 0.5)
    return space


def read_space(space: Mapping[str, Any], recipe: Recipe, build: Callable[..., Any]) -> dict[str, Range | Choice]:
    """The ranges of a space by their full names, such as `recipe.mix`, `stage.learning_rate`, `build.dropout`.

    Raises:
        ValueError: If there is no such setting, or a range is none.
    """
    if not isinstance(space, Mapping) or not space:
        raise ValueError(f"Expected `space` as ranges by the names of settings, or a function, received: {space!r}.")
    return {full_name(name, recipe, build): read_range(name, given) for name, given in space.items()}


def full_name(name: str, recipe: Recipe, build: Callable[..., Any]) -> str:
    """The name of a setting with what it is a setting of.

    Raises:
        ValueError: If there is no such setting; the message lists those that there are.
    """
    where, _, setting = name.rpartition(".")
    parameters = inspect.signature(build).parameters
    free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    number = NUMBERED.match(where)
    if where in ("", "recipe") and setting in RECIPE:
        return f"recipe.{setting}"
    if where in ("", "stage") and setting in STAGE:
        return f"stage.{setting}"
    if number and setting in STAGE and int(number[1]) <= len(recipe.stages):
        return name
    if where in ("", "build") and (setting in parameters or (free and where)):
        return f"build.{setting}"
    raise ValueError(
        f"Expected a setting of the recipe ({', '.join(RECIPE)}), of its stages ({', '.join(STAGE)}; of the second alone: "
        f"stage2.epochs) or of `build` ({', '.join(parameters) or 'none'}; build.NAME), received: {name!r}."
    )


def apply(values: Mapping[str, Any], recipe: Recipe) -> Settings:
    """A recipe with other settings.

    Args:
        values: Values by full names. Those of `stage` are for the stages that train more than the heads, or for all where
            none does.
        recipe: Where the others come from.

    Raises:
        ValueError: If the recipe cannot have one of these.
    """
    stages, build, own = list(recipe.stages), {}, {}
    for name, value in values.items():
        where, _, setting = name.rpartition(".")
        if where == "recipe":
            own[setting] = value
        elif where == "build":
            build[setting] = value
        else:
            for place in main_stages(recipe) if where == "stage" else [int(where.removeprefix("stage")) - 1]:
                stages[place] = replace(stages[place], **{setting: value})
    return Settings(recipe.with_settings(**own, stages=stages), build)


def main_stages(recipe: Recipe) -> list[int]:
    """The positions of the stages that train more than the heads, or of all where none does."""
    places = [place for place, stage in enumerate(recipe.stages) if stage.trainable != "heads"]
    return places or list(range(len(recipe.stages)))


def usual_values(space: Mapping[str, Range | Choice], recipe: Recipe, build: Callable[..., Any]) -> dict[str, Any]:
    """What the recipe itself has, as far as it lies in the space: the first trial, which all others have to beat."""
    parameters, usual = inspect.signature(build).parameters, {}
    for name, values in space.items():
        where, _, setting = name.rpartition(".")
        if where == "recipe":
            value = getattr(recipe, setting)
        elif where == "build":
            value = parameters[setting].default if setting in parameters else inspect.Parameter.empty
        else:
            place = main_stages(recipe)[-1] if where == "stage" else int(where.removeprefix("stage")) - 1
            value = getattr(recipe.stages[place], setting)
        if values.holds(value):
            usual[name] = value
    return usual
