"""Recipes as plain JSON values, and as text to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.balancing import deserialize, get_balancing, serialize
from mtlzoo.data.mixing import Mixing
from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.caching import ImageCache
from mtlzoo.training.feature_cache import FeatureCache
from mtlzoo.training.stages import Stage
from mtlzoo.training.teach import Teach

if TYPE_CHECKING:
    from mtlzoo.training.recipe import Recipe


def to_config(recipe: Recipe) -> dict[str, Any]:
    """See :meth:`mtlzoo.training.Recipe.get_config`."""
    config = {field.name: _plain(getattr(recipe, field.name)) for field in fields(recipe)}
    return {**config, "balancing": serialize(get_balancing(recipe.balancing))}


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a recipe, from what :func:`to_config` wrote."""
    settings = dict(config)
    for name, read in READERS:
        if isinstance(settings.get(name), Mapping):
            settings[name] = read(settings[name])
    if "stages" in settings:
        stages = settings["stages"] if isinstance(settings["stages"], Sequence) else [settings["stages"]]
        settings["stages"] = [_stage(stage) for stage in stages]
    return settings


def as_text(recipe: Recipe, usual: Recipe) -> str:
    """A line a stage, and a line for the settings that differ from the usual ones.

    Args:
        recipe: The recipe.
        usual: What need not be said.
    """
    lines = [describe_stage(stage) for stage in recipe.stages]
    names = [field.name for field in fields(recipe) if field.name != "stages"]
    shown = {"batch_size", "augment"}  # which everybody wants to know
    others = [name for name in names if name in shown or getattr(recipe, name) != getattr(usual, name)]
    return "\n".join([*lines, ", ".join(f"{name}={_short(getattr(recipe, name))}" for name in others)])


def describe_stage(stage: Stage) -> str:
    """A stage in one line, such as `10 epochs of all layers, adam, learning rate 0.001 (cosine)`."""
    usual = Stage(1)
    part = {"heads": "the heads", "all": "all layers"}.get(str(stage.trainable), f"{stage.trainable}")
    kind = stage.optimizer if isinstance(stage.optimizer, str) else type(stage.optimizer).__name__
    text = f"{stage.epochs} epoch{'s' * (stage.epochs != 1)} of {part}, {kind}, learning rate {stage.learning_rate:g}"
    names = ("batch_size", "patience", "warmup", "layer_decay", "weight_decay", "clip_norm")
    others = [
        f"{name}={getattr(stage, name):g}" for name in names if getattr(stage, name) not in (None, getattr(usual, name))
    ]
    if stage.image_size is not None:
        others.append(f"images of {' x '.join(map(str, stage.size((0, 0))))} pixels")
    return ", ".join([f"{text} ({stage.schedule})", *others])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Stage):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, keras.Optimizer):
        return keras.saving.serialize_keras_object(value)
    if isinstance(value, Teach):
        return value.get_config()
    if isinstance(value, Augmentation | FeatureCache | Mixing):
        return {name: _plain(setting) for name, setting in asdict(value).items()}
    if isinstance(value, ImageCache):
        return str(value.place)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _stage(config: Mapping[str, Any]) -> Stage:
    known = [field.name for field in fields(Stage)]
    if not isinstance(config, Mapping) or not {"epochs"} <= config.keys() <= set(known):
        raise TypeError(
            f"Expected a stage as settings by name ({', '.join(known)}), epochs at least, received: {config!r}."
        )
    settings = dict(config)
    if isinstance(settings.get("optimizer"), Mapping):
        settings["optimizer"] = keras.saving.deserialize_keras_object(settings["optimizer"])
    return Stage(**settings)


READERS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("augment", lambda config: Augmentation(**config)),
    ("features", lambda config: FeatureCache(**config)),
    ("mix", lambda config: Mixing(**config)),
    ("balancing", deserialize),
]
"""How settings are read that are objects, by their names."""
