"""The ways to train that are compared: the default recipe with one ingredient more, less or other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from comparison.real_sets import RealSet, figures

import mtlzoo as mtl
from mtlzoo.data import Augmentation

RICH = Augmentation(
    **{"zoom": 0.0, "scale": (0.35, 1.0), "aspect": (3 / 4, 4 / 3), "brightness": 0.3, "contrast": 0.3},
    **{"hue": 10, "saturation": 0.3, "gamma": 0.3, "erase": 0.25},
)

# What differs from the recipe: settings of the recipe, of its last stage ("stage"), and what comes before that ("first").
WAYS: dict[str, dict[str, Any]] = {
    "default": {},
    "frozen statistics": {"batch_norm": "frozen"},
    "fresh statistics": {"batch_norm": "fresh"},
    "average 0.99": {"average": 0.99},
    "rate 3e-4": {"stage": {"learning_rate": 3e-4}},
    "rate 2e-3": {"stage": {"learning_rate": 2e-3}},
    "rate 3e-3": {"stage": {"learning_rate": 3e-3}},
    "layer decay 0.1": {"stage": {"layer_decay": 0.1}},
    "weight decay 0.05": {"stage": {"weight_decay": 0.05}},
    "SGD": {"stage": {"learning_rate": 0.02, "optimizer": keras.optimizers.SGD(momentum=0.9, nesterov=True)}},
    "heads first for long": {"first": [mtl.Stage(8, 3e-3, "heads")]},
    "warm-up": {"stage": {"warmup": 0.1}},
    "clipping": {"stage": {"clip_norm": 1.0}},
    "no smoothing": {"label_smoothing": 0.0},
    "strong augmentation": {"augment": "strong"},
    "colour augmentation": {"augment": "color"},
    "TrivialAugment": {"augment": "trivial"},
    "rich augmentation": {"augment": RICH},
    "any rotation": {"augment": Augmentation(rotation=180)},
    "mixup": {"mix": "mixup"},
    "CutMix": {"mix": "cutmix"},
    "mixup or CutMix": {"mix": "both"},
    "repeat factors": {"sampling": "repeat_factor"},
    "attention pooling": {"pooling": "attention"},
    "no heads stage": {"first": []},
    "small images first": {"small_first": True},
}


def train_way(
    way: str, real: RealSet, network: tuple[str, float, str], length: Mapping[str, float], seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, Any]]:
    """Train one way.

    Args:
        way: Its name in `WAYS`, or several with " + " between them.
        real: The set.
        network: The backbone, its width, and the file with its weights.
        length: `epochs` of the last stage, or `minutes`.
        seed: What everything random is drawn from.

    Returns:
        Probabilities of all heads `(rows, classes)` for the validation rows and for the test rows; and how it went.
    """
    started = time.perf_counter()
    changes: dict[str, Any] = {}
    for part in way.split(" + "):
        for name, value in WAYS[part].items():
            changes[name] = {**changes.get(name, {}), **value} if isinstance(value, dict) else value
    train, valid, test = real.tables
    heads = {name: train.heads[name] for name in real.heads}
    keras.utils.set_random_seed(seed)
    backbone, alpha, weights = network
    pooling = changes.pop("pooling", "avg")
    model = mtl.build(backbone, heads, (real.pixels, real.pixels, 3), weights, pooling=pooling, alpha=alpha)
    last = replace(mtl.training.DEFAULT_STAGES[-1], **changes.pop("stage", {}))
    first = changes.pop("first", mtl.training.DEFAULT_STAGES[:-1])
    small_first = changes.pop("small_first", False)
    settings: dict[str, Any] = {**changes, "cache": "memory", "seed": seed}
    if "epochs" in length:
        last = replace(last, epochs=int(length["epochs"]))
    else:
        settings["minutes"] = length["minutes"] - (time.perf_counter() - started) / 60  # the network has been made
    stages = [*first, *(_small_first(last, real.pixels) if small_first else [last])]
    history = mtl.fit(model, train, valid, stages, verbose=False, **settings)
    trained = time.perf_counter() - started
    answers = [probabilities(model, table) for table in (valid, test)]
    both = [probabilities(model, table, "flip") for table in (valid, test)]
    log = {
        name: [float(value) for value in history.history[name]] for name in ("loss", "val_loss", "score", "val_score")
    }
    flipped = {
        f"{part}_flip": figures(each, table).to_dict("index")
        for part, each, table in zip(("valid", "test"), both, (valid, test))
    }
    return answers[0], answers[1], {"best_epoch": history.best_epoch, "trained": trained, "log": log, **flipped}


def _small_first(stage: mtl.Stage, pixels: int) -> list[mtl.Stage]:
    """The first half of a stage on images of about two thirds of the size."""
    half = stage.epochs // 2
    return [
        replace(stage, epochs=half, image_size=pixels * 2 // 3 // 32 * 32),
        replace(stage, epochs=stage.epochs - half),
    ]


def probabilities(model: mtl.MultiTaskModel, table: Any, views: str | None = None) -> dict[str, np.ndarray]:
    """What a model says of a table's images, for each head `(rows, classes)`."""
    details = mtl.evaluation.Predictions.from_model(model, table, test_time_augmentation=views).details()
    return {name: np.asarray(each["probabilities"]) for name, each in details.items()}
