"""Train a model on a table, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo.data import Augmentation, Table, image_dataset
from mtlzoo.models import MultiTaskModel
from mtlzoo.training.callbacks import BestModel, Patience, Progress
from mtlzoo.training.stages import DEFAULT_STAGES, Stage

if TYPE_CHECKING:
    import tensorflow as tf


def fit(
    model: MultiTaskModel,
    train: Table | tf.data.Dataset,
    valid: Table | tf.data.Dataset | None = None,
    stages: Sequence[Stage] = DEFAULT_STAGES,
    *,
    batch_size: int = 32,
    augment: str | Augmentation | None = "default",
    sample_weight: str | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    on_best: Callable[[keras.Model], None] | None = None,
    verbose: bool = True,
) -> keras.callbacks.History:
    """Train a model in stages and leave it with its best weights.

    Every stage compiles the model anew and starts from the best weights so far, those of the epoch with the highest
    `val_score` (without validation rows, the last ones). Interrupting (Ctrl-C) ends training and leaves the best
    weights too.

    Args:
        model: The model; its heads learn what they need (class counts, mean and spread) from the training labels first.
        train: The training rows, or a dataset of your own, of images and dictionaries of labels.
        valid: The validation rows, or a dataset; needed for keeping the best model and for `patience`.
        stages: What to do, in order. The default warms the heads up for two epochs, then trains everything for ten.
        batch_size: Rows a step, for tables.
        augment: How training pictures are varied, for tables: `"default"` flips, turns, zooms and brightens.
        sample_weight: A column of the training table with the weight of each row.
        seed: What order, augmentation and dropout are drawn from: the same seed, the same numbers.
        callbacks: Further Keras callbacks, which see all stages as one training with consecutive epochs.
        on_best: Called with the model whenever there is a new best one, for instance to write a file.
        verbose: Whether to show progress.

    Returns:
        Keras' history over all stages. `history` holds a list an epoch for every figure, and `stage` and
        `learning_rate`; `best_epoch` is the epoch whose weights the model has now, counted from 0; `interrupted` tells
        whether training was.

    Raises:
        TableError: If a label or, while training, a picture cannot be read, or a head has nothing to learn.

    Example:

    ```python
    history = mtl.fit(model, train, valid, stages=[mtl.Stage(2, 1e-3, "heads"), mtl.Stage(5, 1e-4)])
    ```
    """
    keras.utils.set_random_seed(seed)
    size = model.input_shape[1:3]
    if isinstance(train, Table):
        train.check()
        model.adapt(train.labels())
    validation = valid
    if isinstance(valid, Table):
        validation = image_dataset(valid, size, batch_size, resize=model.resize)
    best = BestModel("val_score", on_best) if valid is not None else None
    history = keras.callbacks.History()
    history.interrupted = False
    total, done = sum(stage.epochs for stage in stages), 0
    for number, stage in enumerate(stages, start=1):
        rows = train
        if isinstance(train, Table):
            rows = image_dataset(
                train,
                size,
                stage.batch_size or batch_size,
                augment=augment,
                shuffle=True,
                # Each stage draws its own order and augmentations.
                seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1),
                resize=model.resize,
                sample_weight=sample_weight,
            )
        model.set_trainable(stage.trainable)
        model.compile(stage.make_optimizer(stage.epochs * len(rows)))
        log = _StageLog(history, number)
        own = [log, *([best] if best else []), *callbacks]
        if best and stage.patience:
            own.append(Patience(best, stage.patience))
        if verbose:
            own.append(Progress(f"stage {number}/{len(stages)} ({stage.trainable})", total))
        try:
            model.fit(
                rows,
                validation_data=validation,
                initial_epoch=done,
                epochs=done + stage.epochs,
                callbacks=own,
                verbose=0,
            )
        except KeyboardInterrupt:
            history.interrupted = True
        if best:
            best.restore(model)
        if history.interrupted:
            break
        done = history.epoch[-1] + 1 if history.epoch else 0
    history.set_model(model)
    history.best_epoch = best.best_epoch if best else (history.epoch[-1] if history.epoch else None)
    return history


class _StageLog(keras.callbacks.Callback):
    """Adds a stage's epochs to one history."""

    def __init__(self, history: keras.callbacks.History, stage: int):
        super().__init__()
        self.history, self.stage = history, stage
        if not hasattr(history, "epoch"):
            history.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append an epoch's figures."""
        self.history.epoch.append(epoch)
        figures = {"stage": self.stage, "learning_rate": float(self.model.optimizer.learning_rate), **(logs or {})}
        for name, value in figures.items():
            self.history.history.setdefault(name, []).append(float(value) if name != "stage" else value)
