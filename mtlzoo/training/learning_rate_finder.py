"""Which learning rate to begin with: raise it step by step, and see where the loss falls and where it breaks out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model
from mtlzoo.system.pipeline_errors import plain_errors
from mtlzoo.system.progress import Progress
from mtlzoo.training.devices.base import copy_model
from mtlzoo.training.recipe import Recipe, RecipeSettings
from mtlzoo.training.recipes import get_recipe
from mtlzoo.training.rows import Rows, bind_tables
from mtlzoo.training.stage_plan import StagePlan
from mtlzoo.training.stages import Stage
from mtlzoo.training.trainer import Trainer

if TYPE_CHECKING:
    import tensorflow as tf

SMOOTHING = 0.9  # of the mean over some ten steps, a tenth of what is usual
DIVERGED = 4.0  # times the lowest smoothed loss


@dataclass(frozen=True)
class LearningRates:
    """What :func:`find_learning_rate` has found.

    Attributes:
        rates: The learning rate of each step, ascending.
        losses: The loss of each step's batch, before the step.

    Example:

    ```python
    found = mtl.training.LearningRates(rates=(1e-4, 1e-3, 1e-2, 1e-1), losses=(1.0, 0.8, 0.3, 4.0))
    found.suggestion
    ```
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def smoothed(self) -> tuple[float, ...]:
        """The losses' exponential moving average, corrected for its beginning; float `(steps,)`."""
        return tuple(_smooth(self.losses))

    @property
    def lowest(self) -> float:
        """The learning rate at which the smoothed loss is lowest; at that rate training is about to become unstable."""
        return self.rates[int(np.argmin(self._finite))]

    @property
    def steepest(self) -> float:
        """The learning rate at which the smoothed loss falls fastest, over a tenth of the steps, before it is lowest."""
        values = self._finite[: int(np.argmin(self._finite)) + 1]
        width = max(len(self.rates) // 10, 1)
        if len(values) <= width:
            return self.rates[0]
        falls = values[:-width] - values[width:]
        return self.rates[int(np.argmax(falls)) + width // 2]

    @property
    def suggestion(self) -> float:
        """A tenth of :attr:`lowest`, to begin a training with."""
        return self.lowest / 10

    @property
    def _finite(self) -> np.ndarray:
        return np.nan_to_num(self.smoothed, nan=np.inf, posinf=np.inf)


def find_learning_rate(
    model: MultiTaskModel,
    train: LabelTable | tf.data.Dataset,
    stage: Stage | None = None,
    *,
    recipe: str | Recipe = "default",
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 100,
    verbose: bool = True,
    **settings: Unpack[RecipeSettings],
) -> LearningRates:
    """Train a copy of a model for some steps with a learning rate that rises from step to step.

    This is the range test of Smith 2017 (arXiv:1506.01186), with a geometric rise, which shows all sizes alike: below some
    rate nothing happens, then the loss falls, then it breaks out, where the test ends. The loss is the total that training
    would log; the step is that of training, with its balancing. The model, its optimizer and all generators of random
    numbers are left as they were.

    Args:
        model: The model; it need not be compiled.
        train: The training rows, or a dataset of images and dictionaries of labels.
        stage: What would be trained, and with which optimizer; its epochs, learning rate and schedule do not matter. By
            default all layers with Adam.
        recipe: All other settings, or the name of a recipe, as for :func:`mtlzoo.fit`.
        lowest: The learning rate of the first step, above 0.
        highest: That of the last.
        steps: How many steps there are at most, at least 2.
        verbose: Whether to show progress.
        **settings: Single settings of the recipe, as for :func:`mtlzoo.fit`; `devices` and `features` do not matter.

    Returns:
        The rates, the losses, and what to begin with; `mtl.plotting.plot_learning_rate` draws it.

    Raises:
        TableError: If a label or an image cannot be read, or a head has nothing to learn.
        ValueError: If a setting is invalid, or there are not two batches.
        TypeError: If there is no such setting, or the model has no heads.

    Example:

    ```python
    found = mtl.find_learning_rate(model, train, steps=20, verbose=False)
    mtl.fit(model, train, valid, mtl.Stage(1, learning_rate=found.suggestion))
    ```
    """
    check_model(model)
    if not 0 < lowest < highest < np.inf:
        raise ValueError(f"Expected learning rates 0 < `lowest` < `highest`, received: {lowest!r} and {highest!r}.")
    if not steps >= 2:
        raise ValueError(f"Expected at least 2 `steps`, received: {steps!r}.")
    stage = replace(stage or Stage(1), learning_rate=lowest, schedule="constant", patience=None)
    chosen = get_recipe(recipe).with_settings(**settings)
    chosen = chosen.with_settings(stages=[stage], devices=None, scale_learning_rate=False, teach=None)
    rates = np.geomspace(lowest, highest, int(steps))
    with _random_numbers_kept():
        copied = copy_model(model)
        copied.set_weights([keras.ops.convert_to_numpy(variable.value) for variable in model.network_weights])
        rows, _ = bind_tables(copied, train, None, chosen)
        trainer = Trainer(copied, rows, None, chosen, verbose=False)
        trainer._compile(stage, int(steps))
        dataset = Rows(rows, trainer._training_settings(StagePlan(stage, 1, 0))).dataset()
        losses = _train(copied, _endless(dataset), rates, Progress() if verbose else None)
    if len(losses) < 2:
        raise ValueError(f"Expected a loss that is a number for two steps at least, received: {losses!r}.")
    return LearningRates(tuple(rates[: len(losses)].tolist()), tuple(losses))


def _train(model: MultiTaskModel, batches: Iterator[Any], rates: np.ndarray, progress: Progress | None) -> list[float]:
    """The loss of each step, up to where it is no number any more or has grown too far above its lowest."""
    losses: list[float] = []
    with plain_errors():
        for rate, batch in zip(rates, batches):
            model.optimizer.learning_rate = float(rate)
            model.reset_metrics()
            x, y, weights = (*keras.tree.map_structure(_array, batch), None)[:3]
            losses.append(float(model.train_on_batch(x, y, weights, return_dict=True)["loss"]))
            smoothed = _smooth(losses)
            over = not np.isfinite(losses[-1]) or smoothed[-1] > DIVERGED * min(smoothed)
            if progress is not None:
                done = len(rates) if over else len(losses)
                progress.show(f"Learning rate {rate:.1e}, loss {losses[-1]:.3f}", done, len(rates))
            if over:
                break
    return losses if np.isfinite(losses[-1]) else losses[:-1]


def _array(part: Any) -> np.ndarray | None:
    """A part of a batch for any backend: others than TensorFlow know none of its tensors."""
    return None if part is None else np.asarray(part)


def _smooth(losses: list[float] | tuple[float, ...]) -> list[float]:
    smoothed, mean = [], 0.0
    for step, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smoothed.append(mean / (1 - SMOOTHING**step))
    return smoothed


def _endless(dataset: tf.data.Dataset) -> Iterator[Any]:
    """Batch after batch, epoch after epoch.

    Raises:
        ValueError: If there is none.
    """
    while True:
        some = False
        for batch in dataset:
            some = True
            yield batch
        if not some:
            raise ValueError("Expected batches to train on, received none.")


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """Leave the generators of Python and numpy, which Keras seeds its own by, as they were."""
    python, legacy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
