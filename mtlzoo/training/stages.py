"""A training stage: its epochs, learning rate, trainable part and optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from numbers import Integral, Real
from typing import Any

import keras

from mtlzoo.models.low_rank import rank_of

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
        trainable: `"heads"` (backbone frozen, in inference mode), `"all"`, the last `n` layers, names of layer groups, or
            `"lora:8"`, kernels by products of rank 8 (:mod:`mtlzoo.models.low_rank`); see `MultiTaskModel.set_trainable`.
        schedule: `"cosine"` lets the learning rate fall to zero over the stage along half a cosine (Loshchilov and
            Hutter 2017), the default, since it needs no tuning of when to stop; `"constant"` keeps it.
        optimizer: The name of a Keras optimizer, or one whose settings are taken over (its learning rate is not).
        batch_size: Rows a step; `None` for that of `mtl.fit`.
        patience: How many epochs without a better score end the stage; `None` for never.
        warmup: The part of the stage's steps, 0 to 1, in which the learning rate rises from 0 along a line (Goyal et al.
            2017); what follows is the schedule's.
        layer_decay: What the learning rate of the backbone's first layer is multiplied by, above 0 and at most 1. In
            between it rises geometrically with depth to 1 at the heads: what the first layers have learned fits most
            images (Howard and Ruder 2018, Clark et al. 2020).
        weight_decay: How much of each kernel is taken off a step, times the learning rate (Loshchilov and Hutter 2019);
            biases and normalisation are left alone. It comes besides the optimizer's own.
        image_size: Height and width in pixels of the images that this stage sees, or one number for both; `None` for
            those of the model. Small images first cost a part of the time (Howard 2018, Touvron et al. 2019); the last stage
            sees the model's own, which stays the size of its files.
        clip_norm: The largest norm of all gradients together; `None` for no limit.

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
    warmup: float = 0.0
    layer_decay: float = 1.0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    image_size: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not _is_count(value) and (value is not None or name == "epochs"):
                raise ValueError(f"Expected `{name}` to be a positive whole number, received: {value!r}.")
        self._check_numbers()
        size = self.image_size
        if not (size is None or _is_count(size) or (isinstance(size, tuple | list) and _are_two(size))):
            raise ValueError(
                f"Expected `image_size` to be None, a number of pixels or two of them, received: {size!r}."
            )
        part = self.trainable
        names = isinstance(part, list | tuple) and part and all(isinstance(name, str) for name in part)
        if not (part in ("heads", "all") or _is_count(part) or names or rank_of(part)):
            raise ValueError(
                'Expected `trainable` to be "heads", "all", a positive number of layers, a list of layer names, or "lora:" '
                f'and a rank such as "lora:8", received: {part!r}.'
            )
        if rank_of(part) and self.weight_decay:
            raise ValueError(f"Expected no `weight_decay` with trainable={part!r}, whose factors have none.")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"Expected `schedule` to be one of {', '.join(SCHEDULES)}, received: {self.schedule!r}.")
        known = isinstance(self.optimizer, keras.Optimizer) or str(self.optimizer).lower() in OPTIMIZERS
        if not known:
            raise ValueError(
                f"Expected `optimizer` to be a Keras optimizer or one of {', '.join(OPTIMIZERS)}, received: "
                f"{self.optimizer!r}."
            )

    def size(self, whole: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the images of this stage.

        Args:
            whole: Those of the model.
        """
        given = self.image_size
        if given is None:
            return whole
        height, width = given if isinstance(given, tuple | list) else (given, given)
        return int(height), int(width)

    def _check_numbers(self) -> None:
        """Refuse what is no number, or none of its range."""
        ranges: dict[str, tuple[str, Callable[[float], bool]]] = {
            "learning_rate": ("a number above 0", lambda value: 0 < value < inf),
            "warmup": ("a part of the steps, from 0 to 1", lambda value: 0 <= value <= 1),
            "layer_decay": ("a factor above 0 and at most 1", lambda value: 0 < value <= 1),
            "weight_decay": ("a number of at least 0", lambda value: 0 <= value < inf),
            "clip_norm": ("None or a number above 0", lambda value: 0 < value < inf),
        }
        for name, (expected, fits) in ranges.items():
            value = getattr(self, name)
            if value is None and name == "clip_norm":
                continue
            if not isinstance(value, Real) or isinstance(value, bool) or not fits(float(value)):
                raise ValueError(f"Expected `{name}` to be {expected}, received: {value!r}.")

    def make_optimizer(self, steps: int, average: float | None = None) -> keras.Optimizer:
        """A new optimizer for a stage of so many steps.

        Layer decay and weight decay need to know the model: see :func:`mtlzoo.training.updates.shape_updates`.

        Args:
            steps: How many steps all epochs of the stage have together.
            average: The momentum of an average of the weights, which the optimizer then keeps; `None` for none.
        """
        settings: dict[str, Any] = {"learning_rate": self._rate(max(steps, 1))}
        if self.clip_norm is not None:
            settings |= {"clipnorm": None, "clipvalue": None, "global_clipnorm": float(self.clip_norm)}
        if average is not None:
            settings |= {"use_ema": True, "ema_momentum": average}
        if isinstance(self.optimizer, str):
            return OPTIMIZERS[self.optimizer.lower()](**settings)
        return type(self.optimizer).from_config({**self.optimizer.get_config(), **settings})

    def _rate(self, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
        """The learning rate over so many steps."""
        rate, rising = float(self.learning_rate), round(self.warmup * steps)
        if self.schedule == "cosine" and rising < steps:
            if not rising:
                return keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps)
            return keras.optimizers.schedules.CosineDecay(0.0, steps - rising, warmup_target=rate, warmup_steps=rising)
        if rising:
            return keras.optimizers.schedules.PolynomialDecay(0.0, rising, end_learning_rate=rate)
        return rate


def _are_two(size: Sequence[Any]) -> bool:
    return len(size) == 2 and all(map(_is_count, size))


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


DEFAULT_STAGES = (Stage(epochs=2, learning_rate=1e-3, trainable="heads"), Stage(epochs=20, learning_rate=1e-3))
"""A short warm-up of the new heads, so that their random gradients do not spoil the backbone, then everything."""

FASHIONAI_STAGES = (
    Stage(epochs=2, learning_rate=1e-3, trainable="heads", schedule="constant"),
    Stage(epochs=3, learning_rate=1e-4, schedule="constant"),
    Stage(epochs=3, learning_rate=1e-5, schedule="constant"),
    Stage(epochs=3, learning_rate=1e-6, schedule="constant"),
)
"""The FashionAI recipe: new heads first, then the whole network at learning rates that fall tenfold a stage."""
