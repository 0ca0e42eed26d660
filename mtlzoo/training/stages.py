"""A training stage: its epochs, learning rate, trainable part and optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from numbers import Integral, Real
from typing import Any

import keras

SCHEDULES = ("constant", "cosine")
# Those that wrap others have no learning rate of their own.
WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
OPTIMIZERS = {
    name.lower(): cls
    for name, cls in vars(keras.optimizers).items()
    if isinstance(cls, type) and issubclass(cls, keras.Optimizer) and name not in WRAPPERS
}


@dataclass(frozen=True)
class Stage:
    """A training stage with its own optimizer, learning rate and trainable part.

    Attributes:
        epochs: How many passes over the training rows.
        learning_rate: The step size at the start.
        trainable: `"heads"` (backbone frozen, in inference mode), `"all"`, the last `n` layers, or names of layer
            groups; see `MultiTaskModel.set_trainable`.
        schedule: `"cosine"` lets the learning rate fall to zero over the stage along half a cosine (Loshchilov and
            Hutter 2017), the default, since it needs no tuning of when to stop; `"constant"` keeps it.
        optimizer: The name of a Keras optimizer, or one whose settings are taken over (its learning rate is not).
        batch_size: Rows a step; `None` for that of `mtl.fit`.
        patience: How many epochs without a better score end the stage; `None` for never.

    Raises:
        ValueError: If one of these is invalid.

    Example:

    ```python
    stages = [
        mtl.Stage(epochs=2, learning_rate=1e-3, trainable="heads"),
        mtl.Stage(epochs=8, learning_rate=1e-4, trainable="all", patience=3),
    ]
    ```
    """

    epochs: int
    learning_rate: float = 1e-3
    trainable: str | int | Sequence[str] = "all"
    schedule: str = "cosine"
    optimizer: str | keras.Optimizer = "adam"
    batch_size: int | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not _is_count(value) and (value is not None or name == "epochs"):
                raise ValueError(f"Expected `{name}` to be a positive whole number, received: {value!r}.")
        rate = self.learning_rate
        if not isinstance(rate, Real) or not 0 < rate < inf:
            raise ValueError(f"Expected `learning_rate` to be a number above 0, received: {rate!r}.")
        part = self.trainable
        names = isinstance(part, list | tuple) and part and all(isinstance(name, str) for name in part)
        if not (part in ("heads", "all") or _is_count(part) or names):
            raise ValueError(
                'Expected `trainable` to be "heads", "all", a positive number of layers or a list of layer names, '
                f"received: {part!r}."
            )
        if self.schedule not in SCHEDULES:
            raise ValueError(f"Expected `schedule` to be one of {', '.join(SCHEDULES)}, received: {self.schedule!r}.")
        known = isinstance(self.optimizer, keras.Optimizer) or str(self.optimizer).lower() in OPTIMIZERS
        if not known:
            raise ValueError(
                f"Expected `optimizer` to be a Keras optimizer or one of {', '.join(OPTIMIZERS)}, received: "
                f"{self.optimizer!r}."
            )

    def make_optimizer(self, steps: int) -> keras.Optimizer:
        """A new optimizer for a stage of so many steps.

        Args:
            steps: How many steps all epochs of the stage have together.
        """
        rate: float | keras.optimizers.schedules.CosineDecay = float(self.learning_rate)
        if self.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(float(self.learning_rate), decay_steps=max(steps, 1))
        if isinstance(self.optimizer, str):
            return OPTIMIZERS[self.optimizer.lower()](learning_rate=rate)
        return type(self.optimizer).from_config({**self.optimizer.get_config(), "learning_rate": rate})


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


DEFAULT_STAGES = (Stage(epochs=2, learning_rate=1e-3, trainable="heads"), Stage(epochs=10, learning_rate=1e-3))
"""A short warm-up of the new heads, so that their random gradients do not spoil the backbone, then everything."""

FASHIONAI_STAGES = (
    Stage(epochs=2, learning_rate=1e-3, trainable="heads", schedule="constant"),
    Stage(epochs=3, learning_rate=1e-4, schedule="constant"),
    Stage(epochs=3, learning_rate=1e-5, schedule="constant"),
    Stage(epochs=3, learning_rate=1e-6, schedule="constant"),
)
"""The FashionAI recipe: new heads first, then the whole network at learning rates that fall tenfold a stage."""
