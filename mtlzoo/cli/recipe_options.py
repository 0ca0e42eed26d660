"""What `mtlzoo train` was told about the training, as a recipe."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtlzoo.balancing import Balancing, get_balancing
from mtlzoo.cli.reading import parse_option
from mtlzoo.cli.teachers import teach_of
from mtlzoo.data import ImageCache
from mtlzoo.files.yaml_files import SUFFIXES
from mtlzoo.models.low_rank import rank_of
from mtlzoo.training import RECIPES, FeatureCache, Recipe, Stage, get_recipe, read_recipe


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The recipe that was named, with whatever else was told in place of its own settings.

    Raises:
        ValueError: If one of the options is no such thing.
    """
    named = find_recipe(options.recipe, taught=options.teacher is not None)
    settings: dict[str, Any] = {"stages": parse_stages(options.stages, options.patience, named)}
    if options.jit_compile:
        settings["jit_compile"] = True
    if options.features is not None or options.feature_cache is not None:
        settings["features"] = parse_features(options.features or "auto", options.feature_cache)
    if options.cache is not None:
        settings["cache"] = ImageCache(options.cache)
    if options.devices is not None:
        settings["devices"] = parse_devices(options.devices)
    if options.balancing is not None:
        settings["balancing"] = parse_balancing(options.balancing)
    if options.batch_size is not None:
        settings["batch_size"] = options.batch_size
    if options.augment is not None:
        settings["augment"] = None if options.augment == "none" else options.augment
    given = {name: getattr(options, name) for name in ("mix", "sampling", "minutes", "label_smoothing", "seed")}
    given |= {"teach": teach_of(options), "calibrate": False if options.no_calibration else None}
    settings |= {name: value for name, value in given.items() if value is not None}
    return named.with_settings(**settings)


def find_recipe(name: str, taught: bool = False) -> Recipe:
    """The recipe of a name, or that in a file: one that `mtlzoo tune` wrote, or the `run.yaml` of a run.

    Args:
        name: The name, or the file.
        taught: Whether a teacher is named elsewhere, so that what the file says of one does not count.

    Raises:
        ValueError: If it is neither the name of a recipe nor a file with one.
    """
    return read_recipe(name, without=["teach"] if taught else ()) if Path(name).suffix in SUFFIXES else get_recipe(name)


def parse_stages(
    texts: Sequence[str] | None, patience: int | None = None, recipe: str | Recipe = "default"
) -> Sequence[Stage]:
    """Stages from texts such as `heads:2:1e-3` or `all:10:1e-4:constant`; the name of a recipe stands for its own.

    The part is `heads`, `all`, a number of layers, names of layer groups with `,` between them, or `lora:8`.

    Args:
        texts: The texts; `None` for the stages of the recipe.
        patience: How many epochs without a better score end each of them; `None` as the recipe has it.
        recipe: The recipe, or its name.

    Raises:
        ValueError: If a text is none of these.
    """
    if texts is None or (len(texts) == 1 and texts[0] in RECIPES):
        stages = get_recipe(recipe if texts is None else texts[0]).stages
        return [replace(stage, patience=patience or stage.patience) for stage in stages]
    given = []
    for text in texts:
        part, *numbers = text.split(":")
        if part == "lora":
            part, numbers = ":".join([part, *numbers[:1]]), numbers[1:]
        try:
            if len(numbers) > 3:
                raise ValueError
            epochs, rate = int(numbers[0]), float(numbers[1])
        except (ValueError, IndexError):
            raise ValueError(
                f"Expected a stage such as heads:2:1e-3 or all:10:1e-4:constant, received: {text!r}."
            ) from None
        trainable: Any = (
            int(part) if part.isdecimal() else part if part in ("heads", "all") or rank_of(part) else part.split(",")
        )
        stage = Stage(epochs, rate, trainable, patience=patience)
        given.append(replace(stage, schedule=numbers[2]) if len(numbers) > 2 else stage)
    return given


def parse_balancing(text: str | None) -> Balancing | None:
    """A balancing method from a text such as `pcgrad`, `cagrad:c=0.4,gradients=parameters` or `static:age=0.1`.

    Raises:
        ValueError: If there is no such method, or it has no such argument.
    """
    if text is None:
        return None
    name, _, rest = text.partition(":")
    method = get_balancing(name)
    assert method is not None  # which it is for no name alone
    given = dict(map(parse_option, filter(None, rest.split(","))))
    return method.with_options(given)


def parse_devices(text: str | None) -> str | int | list[str] | None:
    """Devices from `all`, a number, or names with `,` between."""
    if text is None or text == "all":
        return text
    return int(text) if text.isdecimal() else text.split(",")


def parse_features(text: str, folder: Path | None = None) -> FeatureCache | None:
    """How features are kept, from `auto`, `none`, or a number of augmented views.

    Raises:
        ValueError: If the text is none of these.
    """
    if text == "none":
        return None
    if text != "auto" and not text.isdecimal():
        raise ValueError(f"Expected --features to be auto, none or a number of views, received: {text!r}.")
    return FeatureCache(views=None if text == "auto" else int(text), folder=folder)
