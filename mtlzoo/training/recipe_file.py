"""Recipes in files that people read and change: YAML, of which JSON is a part."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from mtlzoo.files import writing
from mtlzoo.files.regular import open_regular
from mtlzoo.training.recipe import Recipe

SUFFIXES = (".yaml", ".yml", ".json")


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
    comments = "".join(f"# {line}\n" for line in notes.splitlines())
    with writing(path, overwrite=overwrite) as temporary:
        # By way of JSON, which has no objects of Python and no references.
        plain = json.loads(json.dumps(recipe.get_config()))
        temporary.write_text(comments + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return Path(path)


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe in a file.

    Args:
        path: A YAML or JSON file with the settings of a recipe by name, those that are left out with their defaults; or a
            run's `settings.json`, which has a recipe among other things.

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
    with open_regular(path) as file:
        data = file.read()
    try:
        config = yaml.load(data, _Loader)
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError) as error:  # such as 2024-13-45
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: expected YAML or JSON, received something else: {reason}") from None
    if isinstance(config, dict) and isinstance(config.get("recipe"), dict):
        config = config["recipe"]
    if not isinstance(config, dict):
        raise ValueError(f"{path}: expected the settings of a recipe by name, received: {_short(config)}.")
    try:
        return Recipe.from_config(config)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from None


class _Loader(yaml.SafeLoader):
    """Numbers as JSON and YAML 1.2 have them: `1e-3` is one, too."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 100 else f"{text[:100]} ..."
