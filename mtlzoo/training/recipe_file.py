"""Recipes in files that people read and change: YAML, of which JSON is a part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlzoo.files.yaml_files import read_yaml, write_yaml
from mtlzoo.training.recipe import Recipe


def write_recipe(recipe: Recipe, path: str | os.PathLike[str], notes: str = "", *, overwrite: bool = False) -> Path:
    """Write a recipe into a YAML file, which :func:`read_recipe` and `mtlzoo train --recipe FILE` read.

    Args:
        recipe: The recipe.
        path: The file.
        notes: Lines that stand above it as comments.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The file.

    Raises:
        OutputError: If the file is there and not to be replaced.

    Example:

    ```python
    mtl.training.write_recipe(mtl.Recipe(batch_size=16), "recipe.yaml")
    assert mtl.training.read_recipe("recipe.yaml") == mtl.Recipe(batch_size=16)
    ```
    """
    return write_yaml(path, recipe.get_config(), notes, overwrite=overwrite)


def read_recipe(path: str | os.PathLike[str], without: Sequence[str] = ()) -> Recipe:
    """The recipe in a file.

    Args:
        path: A YAML or JSON file with the settings of a recipe by name, those that are left out with their defaults; or a
            run's `run.yaml`, which has a recipe among other things.
        without: Settings of the file that are not taken.

    Returns:
        The recipe.

    Raises:
        ValueError: If the file holds no recipe; the message names the file and what is wrong.
        OSError: If it cannot be read.

    Example:

    ```python
    Path("mine.yaml").write_text("stages:\\n- {epochs: 2, learning_rate: 1e-3, trainable: heads}\\n")
    recipe = mtl.training.read_recipe("mine.yaml")
    ```
    """
    config = read_yaml(path)
    if isinstance(config, dict) and isinstance(config.get("recipe"), dict):
        config = config["recipe"]
    if not isinstance(config, dict):
        raise ValueError(f"{path}: expected the settings of a recipe by name, received: {_short(config)}.")
    try:
        return Recipe.from_config({name: value for name, value in config.items() if name not in without})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 100 else f"{text[:100]} ..."
