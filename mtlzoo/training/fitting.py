"""Train a model on a table, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo.balancing import Balancing, get_balancing
from mtlzoo.data import Augmentation, ImageCache, Table, image_dataset
from mtlzoo.data.dataset import plain_errors
from mtlzoo.errors import TableError
from mtlzoo.images.caching import image_cache
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.batch_norm import keeping_up
from mtlzoo.models.multitask import check_model
from mtlzoo.training.callbacks import BestModel, Patience, Progress
from mtlzoo.training.devices import Devices, copy_weights, find_devices, seeds
from mtlzoo.training.feature_training import FitInputs, feature_cache, train_on_features
from mtlzoo.training.features import FeatureCache
from mtlzoo.training.resuming import TrainingState, describe
from mtlzoo.training.stage_log import Additions, StageLog
from mtlzoo.training.stages import DEFAULT_STAGES, Stage
from mtlzoo.training.statistics_lag import StatisticsLag

if TYPE_CHECKING:
    import tensorflow as tf


def fit(
    model: MultiTaskModel,
    train: Table | tf.data.Dataset,
    valid: Table | tf.data.Dataset | None = None,
    stages: Sequence[Stage] = DEFAULT_STAGES,
    *,
    balancing: str | Balancing | None = None,
    batch_size: int = 32,
    augment: str | Augmentation | None = "default",
    sample_weight: str | None = None,
    cache: str | Path | ImageCache | None = None,
    jit_compile: bool | str = "auto",
    seed: int = 0,
    features: str | FeatureCache | None = "auto",
    devices: str | int | Sequence[str] | None = None,
    scale_learning_rate: bool = False,
    synchronize_batch_norm: bool = False,
    resume: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    on_best: Callable[[keras.Model], None] | None = None,
    verbose: bool = True,
) -> keras.callbacks.History:
    """Train a model in stages and leave it with its best weights.

    The momentum of batch normalisation is lowered for the time of training, so that its statistics keep up with the weights
    (see :func:`mtlzoo.models.batch_norm.fitting_momentum`); a warning is given where validation loss tells that they do
    not.

    Every stage compiles the model anew and starts from the best weights so far, those of the epoch with the highest
    `val_score` (without validation rows, the last ones). Interrupting (Ctrl-C) ends training and leaves the best
    weights too.

    Args:
        model: The model; its heads learn what they need (class counts, mean and spread) from the training labels first.
        train: The training rows, read by the model's heads, or a dataset of your own, of images and dictionaries of
            labels.
        valid: The validation rows, or a dataset; needed for keeping the best model, for `on_best` and for `patience`.
        stages: What to do, in order. The default warms the heads up for two epochs, then trains everything for ten.
        balancing: How the heads' losses become one step, a name from :func:`mtlzoo.list_balancing` or a method; it goes
            on from stage to stage. See `MultiTaskModel.compile`.
        batch_size: Rows a step, for tables.
        augment: How training images are varied, for tables: `"default"` flips, turns, zooms and brightens.
        sample_weight: A column of the training table with the weight of each row.
        cache: Where decoded images are kept, for tables: `"memory"`, a folder, or an :class:`ImageCache`; by default they
            are decoded in every epoch. Augmentation follows either way.
        jit_compile: Whether XLA compiles the step. `"auto"` is Keras' choice: on a GPU and on JAX, not on a CPU, where it
            made TensorFlow's steps of MobileNet eight times slower.
        seed: What order, augmentation and dropout are drawn from: the same seed and the same weights to begin with give
            the same numbers, on a CPU to the last bit. Python's, numpy's and Keras' own generators are seeded too.
        features: Where a stage trains the heads alone, the frozen backbone need look at each image only once. `"auto"`
            does so, for tables, wherever that makes no difference: without augmentation, and if there is room in memory.
            A :class:`FeatureCache` caches augmented views too, or in a folder; `None` never does, nor do several devices.
        devices: What to train on: `None` for the one device that Keras takes by itself; `"all"`, of this machine or of all
            workers that the environment variable `TF_CONFIG` names; the number of devices, or their names. `batch_size`
            rows are divided evenly among them, and losses, metrics and weights are what one device would have found.
            Batch normalisation alone, which box and detection heads have too, sees the rows of its own device unless it is
            synchronised, and those that fill up a last batch that does not divide.
        scale_learning_rate: Whether to multiply learning rates by the number of devices, for larger batches (Goyal et al.
            2017).
        synchronize_batch_norm: Whether batch normalisation takes its mean over the rows of all devices. On JAX it does
            anyway.
        resume: A folder for the state of training after every epoch, which all workers see. Called again with the same
            arguments, on the same devices or on others, training goes on from there, and ends as if it had never been
            interrupted. Every image file is read once for that, so that a changed one is noticed. Datasets of your own and
            callbacks without `get_state` and `set_state` begin anew.
        callbacks: Further Keras callbacks. They see the epochs of all stages counted on, and `on_train_begin` and
            `on_train_end` once a stage.
        on_best: Called with the model whenever there is a new best one, for instance to write a file; of several workers
            the chief alone does.
        verbose: Whether to show progress.

    Returns:
        Keras' history over all stages. `history` holds a list an epoch for every figure, and `stage` and
        `learning_rate` (at the start of the epoch); `best_epoch` is the epoch whose weights the model has now, counted
        from 0; `interrupted` tells whether training was.

    Raises:
        TableError: If a label or, while training, an image cannot be read, or a head has nothing to learn.
        ValueError: If there is no stage, a stage names a part that the model has not, a dataset of your own does not know
            its length, what needs validation rows has none, or there are not such devices.
        StateError: If `resume` holds the state of a training with other arguments or other images, or a damaged one.

    Example:

    ```python
    history = mtl.fit(model, train, valid, stages=[mtl.Stage(2, 1e-3, "heads"), mtl.Stage(5, 1e-4)])
    ```
    """
    check_model(model)
    stages = [stages] if isinstance(stages, Stage) else list(stages)
    _check_stages(model, stages, valid, on_best)
    used = find_devices(devices, synchronize_batch_norm=synchronize_batch_norm)
    if scale_learning_rate:
        stages = [replace(stage, learning_rate=stage.learning_rate * used.replicas) for stage in stages]
    keras.utils.set_random_seed(seed)
    _seed_dropout(model, seed)
    keeping = feature_cache(features) if used.replicas == 1 else None
    train, valid = _for_model(model, train, valid)
    reading = {"image_size": model.input_shape[1:3], "resize": model.resize, "channels": model.input_shape[3]}
    reading |= {"batch_size": batch_size, "cache": image_cache(cache), "shard": used.shard}  # one cache for all stages
    validation = None
    if valid is not None:
        validation = used.distribute(*_dataset(valid, reading))
    trained = used.replicate(model)
    best = BestModel("val_score", _calls(on_best, model, used)) if valid is not None else None
    history = keras.callbacks.History()
    history.epoch, history.interrupted = [], False
    state = None
    if resume is not None:
        arguments = {
            "model": model,
            "train": train,
            "valid": valid,
            "stages": stages,
            "balancing": get_balancing(balancing),
            "batch_size": batch_size,
            "augment": augment,
            "sample_weight": sample_weight,
            "seed": seed,
            "features": keeping and keeping.views,
            "synchronize_batch_norm": synchronize_batch_norm,
        }
        arguments = {name: describe(value) for name, value in arguments.items()}
        tables = {name: rows for name, rows in (("train", train), ("valid", valid)) if isinstance(rows, Table)}
        state = TrainingState(resume, arguments, history, best, callbacks, used.chief, tables)
    total, done = sum(stage.epochs for stage in stages), 0
    for number, stage in enumerate(stages, start=1):
        if state and number < state.stage:
            continue
        resumes = state is not None and number == state.stage
        done, passed = (state.start, len(history.epoch) - state.start) if resumes else (done, 0)
        training = {
            **reading,
            "batch_size": stage.batch_size or batch_size,
            "augment": augment,
            "shuffle": True,
            # Each stage draws its own order and augmentations.
            "seed": int(np.random.SeedSequence([seed, number]).generate_state(1)[0]),
            "sample_weight": sample_weight,
            "first_epoch": passed,
        }
        rows, shared = _dataset(train, training)
        steps = _steps(rows)
        _compile(model, trained, used, stage, stage.epochs * steps, balancing, jit_compile)
        if resumes:
            with used.scope():
                state.restore(trained)
        over = resumes and state.over
        if state and not over:
            state.begin(number, done, stage.epochs)
        title = f"Stage {number} of {len(stages)}: {stage.trainable}, learning rate {stage.learning_rate:g}"
        progress = Progress(title, total, best)
        log = StageLog(history, number)
        own = [
            log,
            *([best] if best else []),
            *callbacks,
            Additions(log),
            *([Patience(best, stage.patience)] if best and stage.patience else []),
            *([StatisticsLag(validation)] if best and used.replicas == 1 else []),
            *([state] if state else []),
            *([progress] if verbose and used.chief else []),
        ]
        try:
            if not over:
                with plain_errors(), used.training(), keeping_up(trained, steps):
                    lesson = FitInputs(trained, used.distribute(rows, shared), validation, own)
                    lesson = train_on_features(lesson, stage, (train, valid), (training, reading), keeping, verbose)
                    lesson.model.fit(
                        lesson.rows,
                        validation_data=lesson.validation,
                        initial_epoch=done + passed,
                        epochs=done + stage.epochs,
                        callbacks=lesson.callbacks,
                        verbose=0,
                    )
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            progress.close()
        if best:
            best.restore(trained)
        copy_weights(trained, model)
        if history.interrupted:
            break
        done = history.epoch[-1] + 1
    history.set_model(model)
    history.best_epoch = best.best_epoch if best else None
    if history.best_epoch is None and history.epoch:
        history.best_epoch = history.epoch[-1]
    return history


def _check_stages(model: MultiTaskModel, stages: Sequence[Stage], valid: Any, on_best: Any) -> None:
    """Find what is wrong before anything is trained: a wrong name should not come to light after hours."""
    if not stages:
        raise ValueError("Expected at least one stage, received none.")
    if valid is None and (on_best is not None or any(stage.patience for stage in stages)):
        raise ValueError("Expected validation rows, which `on_best` and `patience` need, received none.")
    for stage in stages:
        model.set_trainable(stage.trainable)


def _for_model(model: MultiTaskModel, train: Any, valid: Any) -> tuple[Any, Any]:
    """Tables as the model's heads read them, after the heads have learned from the training labels what they need."""
    heads = model.heads
    if isinstance(train, Table):
        train = train.for_heads(heads)
        train.check()
        model.adapt(train.labels())
        heads = {**model.heads, **train.heads}
    if isinstance(valid, Table):
        if not len(valid):
            raise TableError(f"{valid.source}: no rows to validate on.")
        valid = valid.for_heads(heads)
    return train, valid


def _dataset(rows: Table | tf.data.Dataset, reading: Mapping[str, Any]) -> tuple[tf.data.Dataset, bool]:
    """A table's batches, or those that there are already; and whether they are this process' share of them alone."""
    return (image_dataset(rows, **reading), True) if isinstance(rows, Table) else (rows, False)


def _compile(
    model: MultiTaskModel,
    trained: MultiTaskModel,
    used: Devices,
    stage: Stage,
    steps: int,
    balancing: str | Balancing | None,
    jit_compile: bool | str,
) -> None:
    """Make a model, and the copy that is trained of it, ready for a stage of so many steps."""
    for each in dict.fromkeys((model, trained)):
        with used.scope() if each is trained else nullcontext():
            each.set_trainable(stage.trainable)
            each.compile(stage.make_optimizer(steps), balancing=balancing, jit_compile=jit_compile)
    copy_weights(model, trained)
    used.broadcast_weights(trained)


def _calls(
    on_best: Callable[[keras.Model], None] | None, model: MultiTaskModel, used: Devices
) -> Callable[[MultiTaskModel], None] | None:
    """What to do when a model, or the copy that is trained of it, is the best so far."""
    if on_best is None or not used.chief:
        return None

    def call(trained: MultiTaskModel) -> None:
        copy_weights(trained, model)
        with used.local_scope():
            on_best(model)

    return call


def _seed_dropout(model: keras.Model, seed: int) -> None:
    """Dropout draws from generators that were seeded when the model was built, and that have moved on since."""
    states = seeds(model)
    for state, start in zip(states, np.random.SeedSequence([seed, 0]).generate_state(len(states)) >> 1):
        state.assign([start, 0])


def _steps(rows: tf.data.Dataset) -> int:
    try:
        return len(rows)
    except TypeError as error:
        raise ValueError(
            f"Expected a dataset that knows its length, received one that does not ({error}). Tell it with "
            "dataset.apply(tf.data.experimental.assert_cardinality(steps))."
        ) from None
