"""A training as parameters: what trackers list beside its metrics."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from mtlzoo import __version__
from mtlzoo.data import LabelTable

if TYPE_CHECKING:
    from mtlzoo.training.trainer import Trainer


def versions() -> dict[str, str]:
    """The versions of what a training runs on."""
    return {
        "mtlzoo": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
    }


def parameters_of(trainer: Trainer) -> dict[str, str | int | float | bool]:
    """The model, the rows, the recipe as it is followed, and the versions.

    Args:
        trainer: The trainer, whose stages are planned.

    Returns:
        Plain values; those of the second stage are `stage2.epochs`, `stage2.learning_rate` and so on.
    """
    model, config = trainer.model, trainer.recipe.with_settings(stages=trainer.stages).get_config()
    rows = {
        f"{name}_rows": len(given)
        for name, given in (("train", trainer.train), ("valid", trainer.valid))
        if isinstance(given, LabelTable)
    }
    network = {
        "backbone": model.backbone.name,
        "image_size": "x".join(map(str, model.input_shape[1:3])),
        "network_parameters": model.count_params(),
        "heads": ", ".join(model.heads),
    }
    stages = {f"stage{number}": stage for number, stage in enumerate(config.pop("stages"), start=1)}
    return {**network, **rows, **_flat({**config, **stages}), **versions()}


def _flat(config: dict[str, Any], before: str = "") -> dict[str, str | int | float | bool]:
    flat: dict[str, str | int | float | bool] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = value if isinstance(value, str | int | float | bool) else str(value)
    return flat
