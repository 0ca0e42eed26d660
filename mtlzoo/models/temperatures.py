"""Temperatures in the weights: the logits of a head's last layer are divided once and for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import keras

from mtlzoo.errors import HeadError
from mtlzoo.heads.decisions import with_own_thresholds
from mtlzoo.models.head_layers import output_layer

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel


def can_fold(model: MultiTaskModel, name: str) -> bool:
    """Whether a head's probabilities come out of a dense layer or a convolution with a softmax or sigmoid."""
    layer = _last_layer(model, name)
    kinds = keras.layers.Dense | keras.layers.Conv2D
    return isinstance(layer, kinds) and layer.activation.__name__ in ("softmax", "sigmoid")


def _last_layer(model: MultiTaskModel, name: str) -> keras.Layer:
    """The layer that makes a head's probabilities: that of its output, or that which the head says."""
    layer, units = output_layer(model, name), model.heads[name].units_layer
    return layer if units is None else model.get_layer(f"{layer.name}{units}")


def fold_temperature(model: MultiTaskModel, name: str, temperature: float) -> None:
    """Divide kernel and bias of a head's last layer, so that every file of the model says what the model says.

    The order of the classes, and so the prediction, stays the same.

    Args:
        model: The model, changed in place.
        name: The head.
        temperature: Above 0.

    Raises:
        HeadError: If there is no dense layer or convolution with a softmax or sigmoid at its end.
        ValueError: If the temperature is not above 0.
    """
    if not 0 < temperature < float("inf"):
        raise ValueError(f"Expected a temperature above 0, received: {temperature!r}.")
    layer = _last_layer(model, name)
    if not can_fold(model, name):
        raise HeadError(
            f"Expected head {name!r} to end in a dense layer or a convolution with a softmax or sigmoid, received: "
            f"{type(layer).__name__}."
        )
    for variable in (layer.kernel, layer.bias):
        if variable is not None:
            variable.assign(variable / temperature)


def fold_temperatures(model: MultiTaskModel, temperatures: Mapping[str, float]) -> None:
    """Divide the last layers of several heads and note it in `model.calibration`; thresholds follow, so that answers stay.

    Args:
        model: The model, changed in place.
        temperatures: What logits are divided by, by the head's name.

    Raises:
        HeadError: As :func:`fold_temperature`.
        ValueError: As :func:`fold_temperature`.
    """
    for name, temperature in temperatures.items():
        fold_temperature(model, name, temperature)
    own = with_own_thresholds({name: model.heads[name] for name in temperatures}, model.calibration.decisions)
    model.calibration = replace(model.calibration, decisions=own).with_temperatures(temperatures)
