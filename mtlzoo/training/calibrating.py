"""Probabilities that are worth what they say, at the end of a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from typing import Any

import keras
import numpy as np

from mtlzoo.heads.temperature import fit_temperature, has_temperature
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.temperatures import can_fold, fold_temperatures

FEW = 16  # batches for which making a function of the network takes longer than it saves


def calibrate_on(model: MultiTaskModel, batches: Iterable[Any]) -> dict[str, float]:
    """Fold into each head with probabilities the temperature at which validation labels are likeliest.

    Predictions stay the same; see :func:`mtlzoo.calibrate`, which does so for rows of a table.

    Args:
        model: The model, changed in place, of whose predictions nothing is known yet.
        batches: Validation images and dictionaries of encoded labels.

    Returns:
        The temperatures by the name of the head; 1 where there are no labels.
    """
    heads = {name: head for name, head in model.heads.items() if has_temperature(head) and can_fold(model, name)}
    if not heads:
        return {}
    outputs: dict[str, list[np.ndarray]] = {name: [] for name in heads}
    targets: dict[str, list[np.ndarray]] = {name: [] for name in heads}
    for images, labels, *_ in batches:
        predicted = _predict(model, images, batches)
        for name, head in heads.items():
            if name in labels:
                known = head.labelled(np.asarray(labels[name]))
                outputs[name].append(np.asarray(predicted[name])[known])
                targets[name].append(np.asarray(labels[name])[known])
    temperatures = {}
    for name, head in heads.items():
        if sum(map(len, targets[name])):
            temperatures[name] = fit_temperature(head, *map(np.concatenate, (outputs[name], targets[name])))
    fold_temperatures(model, temperatures)
    return temperatures


def describe_temperatures(temperatures: Mapping[str, float]) -> str:
    """What was fitted, in a line."""
    low, high = (choose(temperatures, key=temperatures.__getitem__) for choose in (min, max))
    ends = f"{temperatures[low]:.2f} ({low})", f"{temperatures[high]:.2f} ({high})"
    span = ends[0] if low == high else " to ".join(ends)
    return f"Calibrated on the validation rows: logits divided by {span}; predictions stay the same"


def _predict(model: MultiTaskModel, images: Any, batches: Iterable[Any]) -> dict[str, Any]:
    few = isinstance(batches, Sized) and len(batches) <= FEW
    if few and keras.backend.backend() == "tensorflow":
        return {name: output.numpy() for name, output in model(images, training=False).items()}
    return model.predict_on_batch(images)
