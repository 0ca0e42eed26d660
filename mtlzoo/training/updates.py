"""How far each variable moves in a step: learning rates by depth, and weight decay without biases and normalisation."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from mtlzoo.keras_compat import variable_place
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.freezing import leaf_layers
from mtlzoo.models.fused_adam import fuse_adam
from mtlzoo.training.stages import Stage

Tensor = Any


@dataclass(frozen=True)
class Update:
    """How far a variable moves.

    Attributes:
        rate: What its learning rate is multiplied by.
        decay: What of it is taken off a step, times that learning rate.
    """

    rate: float = 1.0
    decay: float = 0.0


def plan_updates(model: MultiTaskModel, stage: Stage) -> list[Update]:
    """How far each trainable variable moves in a stage, in the order of `model.trainable_variables`.

    Args:
        model: The model, of which the stage's part is trainable.
        stage: The stage.

    Example:

    ```python
    from mtlzoo.training.updates import plan_updates

    stage = mtl.Stage(5, 1e-3, layer_decay=0.1, weight_decay=0.02)
    model.set_trainable(stage.trainable)
    plan_updates(model, stage)[0]  # that of the first layer: Update(rate=0.1, decay=0.02)
    ```
    """
    rates = depth_rates(model, stage.layer_decay)
    return [
        Update(rates.get(id(variable), 1.0), stage.weight_decay if len(variable.shape) > 1 else 0.0)
        for variable in model.trainable_variables
    ]


def depth_rates(model: MultiTaskModel, first: float) -> dict[int, float]:
    """The factor of each of the backbone's variables, by their `id`: geometric from the first layer to 1 at the heads.

    Args:
        model: The model.
        first: The factor of the first layer that has weights.
    """
    layers = [layer for layer in leaf_layers(model.backbone) if layer.weights]
    # A class token and the like, which belong to no block, come before the first.
    return dict.fromkeys(map(id, model.backbone.variables), first) | {
        id(variable): first ** (1 - place / len(layers))
        for place, layer in enumerate(layers)
        for variable in layer.weights
    }


def shape_updates(optimizer: keras.Optimizer, plan: Callable[[], Sequence[Update]]) -> None:
    """Let a Keras optimizer move each variable as far as is planned; any optimizer, and with balancing too.

    Keras has one learning rate for all (https://github.com/keras-team/keras/issues/21741), but hands it to the optimizer's
    own public `update_step` for each variable. That of this one object is replaced; its class, its variables and so its
    files stay what they are.

    Args:
        optimizer: The optimizer, before its first step. What replaces its `update_step` too, as
            :func:`mtlzoo.models.low_rank.train_low_rank` does, comes first, and is handed the variable's own learning rate.
        plan: Gives an update for each of the variables that the optimizer has been built with; called at the first step.
    """
    fuse_adam(optimizer)
    plan = functools.cache(plan)
    update_step = optimizer.update_step

    def shaped(gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        update = plan()[variable_place(optimizer, variable)]
        rate = learning_rate * keras.ops.cast(update.rate, learning_rate.dtype)
        if update.decay:
            kept = keras.ops.convert_to_tensor(variable)
            optimizer.assign_sub(variable, kept * keras.ops.cast(rate * update.decay, kept.dtype))
        update_step(gradient, variable, rate)

    optimizer.update_step = shaped
