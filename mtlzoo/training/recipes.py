"""The named recipes: what most people want, and those of the four tutorials as they are."""

from __future__ import annotations

import keras

from mtlzoo.system.registries import RECIPES
from mtlzoo.training.recipe import Recipe
from mtlzoo.training.stages import FASHIONAI_STAGES, Stage

DEFAULT = Recipe()

FAST = Recipe(stages=[Stage(1, 1e-3, "heads"), Stage(4, 1e-3)])
"""A first look: a quarter of the time of the default."""

THOROUGH = Recipe(stages=[Stage(2, 1e-3, "heads"), Stage(60, 1e-3)], augment="strong")
"""Three times as long as the default, with more variants of each image, which long training needs."""

FASHIONAI = Recipe(stages=FASHIONAI_STAGES, label_smoothing=0.0, calibrate=False)
"""FashionAI attributes: the heads, then everything at learning rates that fall tenfold a stage."""

HYDRANET = Recipe(
    stages=[Stage(10, 1e-4, schedule="constant", optimizer=keras.optimizers.SGD(momentum=0.09))],
    batch_size=16,
    augment=None,
    label_smoothing=0.0,
    calibrate=False,
)
"""HydraNet on UTKFace: ten epochs of everything with plain SGD; 0.09 is the momentum that it says."""

HEAD_API = Recipe(stages=[Stage(10, 1e-3, schedule="constant")], augment=None, label_smoothing=0.0, calibrate=False)
"""TensorFlow's Head API on MTFL: Adam with the settings that it has by itself."""

SIMPLE_DETECTION = Recipe(
    stages=[
        Stage(100, 5e-3, "heads", schedule="constant", optimizer="rmsprop", batch_size=128),
        Stage(
            *(100, 2e-3, ["conv_pw_9", "conv_pw_10", "conv_pw_11"]),
            schedule="constant",
            optimizer="rmsprop",
            batch_size=64,
        ),
    ],
    augment=None,
    label_smoothing=0.0,
    calibrate=False,
)
"""The book's detector on MobileNet: a hundred epochs of the heads, then a hundred of the last three blocks as well."""


def list_recipes() -> list[str]:
    """The names of the recipes, for `mtl.fit(recipe=...)` and `mtlzoo train --recipe`.

    Returns:
        Names, the default first.

    Example:

    ```python
    for name in mtl.list_recipes():
        print(name, mtl.training.get_recipe(name), sep="\\n")
    ```
    """
    return RECIPES.names()


def get_recipe(identifier: str | Recipe) -> Recipe:
    """A recipe, from whatever `mtl.fit` was given.

    Args:
        identifier: A recipe, or the name of one.

    Returns:
        The recipe.

    Raises:
        ValueError: If there is no recipe of this name; the message lists those that there are.
        TypeError: If it is neither.

    Example:

    ```python
    recipe = mtl.training.get_recipe("fashionai")
    ```
    """
    return RECIPES.resolve(identifier, Recipe)
