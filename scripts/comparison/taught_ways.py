"""The ways to train on few labels that are compared: the masked loss alone, and teachers of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import keras
from comparison.real_sets import RealSet
from comparison.runs import Answers
from comparison.ways import probabilities

import mtlzoo as mtl

LONGER = 1.4  # what an epoch with a teacher that is the network itself costs, so many more epochs it has without
Way = Callable[[RealSet, str, Mapping[str, float], int], tuple[Answers, dict[str, Any]]]


def _build(real: RealSet, weights: str, seed: int) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(seed)
    heads = {name: real.tables[0].heads[name] for name in real.heads}
    return mtl.MobileNetV2(heads, (real.pixels, real.pixels, 3), weights, alpha=0.35)


def _fit(
    model: mtl.MultiTaskModel, real: RealSet, length: Mapping[str, float], seed: int, part: float, **how: Any
) -> Any:
    """Train for a part of the time."""
    train, valid, _ = real.tables
    first, last = mtl.training.DEFAULT_STAGES
    settings: dict[str, Any] = {"cache": "memory", "seed": seed, "verbose": False, **how}
    if "epochs" in length:
        last = replace(last, epochs=max(round(part * length["epochs"]), 1))
    else:
        settings["minutes"] = part * length["minutes"]
    return mtl.fit(model, train, valid, [first, last], **settings)


def _read(model: mtl.MultiTaskModel, real: RealSet) -> Answers:
    _, valid, test = real.tables
    return probabilities(model, valid), probabilities(model, test)


def masked(real: RealSet, weights: str, length: Mapping[str, float], seed: int) -> tuple[Answers, dict[str, Any]]:
    """The loss of what labels there are."""
    model = _build(real, weights, seed)
    history = _fit(model, real, length, seed, LONGER if "epochs" in length else 1.0)
    return _read(model, real), {"val_score": history.history["val_score"]}


def taught_by_itself(**how: Any) -> Way:
    """The network's average teaches it."""

    def way(real: RealSet, weights: str, length: Mapping[str, float], seed: int) -> tuple[Answers, dict[str, Any]]:
        model = _build(real, weights, seed)
        history = _fit(model, real, length, seed, 1.0, teach=mtl.Teach(**how))
        return _read(model, real), {"val_score": history.history["val_score"]}

    return way


def taught_by_first(**how: Any) -> Way:
    """A first network is trained for half of the time, and teaches a second one."""

    def way(real: RealSet, weights: str, length: Mapping[str, float], seed: int) -> tuple[Answers, dict[str, Any]]:
        first, second = _build(real, weights, seed), _build(real, weights, seed + 100)
        before = _fit(first, real, length, seed, 0.5)
        history = _fit(second, real, length, seed + 100, 0.5, teach=mtl.Teach(first, **how))
        scores = {"teacher_val_score": before.history["val_score"], "val_score": history.history["val_score"]}
        return _read(second, real), scores

    return way


WAYS: dict[str, Way] = {
    "all labels": masked,
    "masked": masked,
    "self": taught_by_itself(),
    "self, image alone": taught_by_itself(evidence=()),
    "self, other labels": taught_by_itself(evidence=("other_labels",)),
    "self, sharpened": taught_by_itself(temperature=0.5),
    "self, sure": taught_by_itself(confidence=0.9, temperature=0.1),
    "teacher": taught_by_first(),
    "teacher, image alone": taught_by_first(evidence=()),
    "teacher, sharpened": taught_by_first(temperature=0.5),
}
