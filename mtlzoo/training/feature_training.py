"""Train the heads on features that are computed once, while everybody else sees the whole model trained on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from mtlzoo.data import Table
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.splitting import split
from mtlzoo.training.callbacks import Progress
from mtlzoo.training.checksums import weights_digest
from mtlzoo.training.features import (
    FeatureCache,
    count_bytes,
    feature_dataset,
    get_features,
    is_fixed,
)
from mtlzoo.training.stages import Stage

if TYPE_CHECKING:
    import tensorflow as tf

STEPS = 16  # without a look at callbacks
STEP_EVENTS = [f"on_{kind}_{end}" for kind in ("batch", "train_batch", "test_batch") for end in ("begin", "end")]


class FitInputs(NamedTuple):
    """What a stage's `model.fit` is called with.

    Attributes:
        model: Who is trained.
        rows: What it is trained on.
        validation: What it is validated on.
        callbacks: Who is told.
    """

    model: MultiTaskModel
    rows: tf.data.Dataset
    validation: tf.data.Dataset | None
    callbacks: list[keras.callbacks.Callback]


def feature_cache(features: str | FeatureCache | None) -> FeatureCache | None:
    """The settings that an argument stands for; `None` for never.

    Raises:
        ValueError: If it is no such argument.
    """
    if features is None or isinstance(features, FeatureCache):
        return features
    if features != "auto":
        raise ValueError(f'Expected `features` to be "auto", None or a FeatureCache, received: {features!r}.')
    return FeatureCache()


def train_on_features(
    lesson: FitInputs,
    stage: Stage,
    tables: Sequence[Any],
    readings: Sequence[Mapping[str, Any]],
    cache: FeatureCache | None,
    verbose: bool,
) -> FitInputs:
    """The same lesson on cached features, where these make no difference or are asked for; otherwise as it is.

    The heads get a model of their own, from the last tensor that all of them share. It has the whole model's layers,
    weights and optimizer, and the callbacks see the whole model.

    Args:
        lesson: With the whole model, compiled.
        stage: What is trained.
        tables: Training and validation rows; the latter may be `None`, and only tables are cached.
        readings: The arguments of `image_dataset` for both.
        cache: How features are kept; `None` for not at all.
        verbose: Whether to tell.
    """
    if cache is None or stage.trainable != "heads" or not all(isinstance(table, Table | None) for table in tables):
        return lesson
    drawn = bool(readings[0].get("augment"))
    if drawn and cache.views is None:
        return lesson
    views = min(cache.views, stage.epochs) if drawn else 1
    if stage.epochs == views and cache.folder is None:
        return lesson  # each would be used once
    parts = split(lesson.model)
    if not is_fixed(parts.trunk):
        return lesson
    parties = [
        (table, reading, count) for table, reading, count in zip(tables, readings, (views, 1)) if table is not None
    ]
    images = sum(len(table) * count for table, _, count in parties)
    size, free = count_bytes(parts.trunk, images), cache.free_bytes()
    told = f"Features of {images:,} images{f' ({views} views)' if views > 1 else ''}"
    if size > free:
        if verbose:
            room = f"would take {_size(size)}, more than the {_size(free)} that they may"
            print(f"{told} {room}: they are computed anew in every epoch", flush=True)
        return lesson
    if verbose:
        print(f"{told} are computed once ({_size(size)}) and used in all {stage.epochs} epochs", flush=True)
    before = weights_digest(parts.trunk)
    datasets = [
        feature_dataset(table, get_features(parts.trunk, table, reading, count, cache.folder, verbose), reading)
        for table, reading, count in parties
    ]
    whole = lesson.model
    alone = MultiTaskModel(
        parts.heads.input, parts.heads.output, name=whole.name, heads=whole.heads, resize=whole.resize
    )
    whole.optimizer.build(whole.trainable_variables)  # in the order in which its files have them
    # A step on features is so short that half of it is Python between the steps. Who wants to see each step does.
    seen = any(_sees_steps(callback) for callback in lesson.callbacks)
    alone.compile(whole.optimizer, steps_per_execution=1 if seen else STEPS, jit_compile=whole.jit_compile)
    alone.balance_like(whole)
    callbacks = [_ShowWhole(whole, lesson.callbacks), *lesson.callbacks, _Follow(whole, parts.trunk, before)]
    return FitInputs(alone, datasets[0], datasets[1] if len(datasets) > 1 else None, callbacks)


class _ShowWhole(keras.callbacks.Callback):
    """Comes first, and gives the others the whole model, to look at, to save and to change."""

    def __init__(self, whole: MultiTaskModel, others: Sequence[keras.callbacks.Callback]):
        super().__init__()
        self.whole, self.others = whole, others

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keras has just given them the heads."""
        self.whole.stop_training = False
        for callback in self.others:
            callback.set_model(self.whole)


class _Follow(keras.callbacks.Callback):
    """Comes last, and does with the heads what the others did with the whole model."""

    async_safe = True  # it does not keep Keras from going on with the next step

    def __init__(self, whole: MultiTaskModel, trunk: keras.Model, digest: bytes):
        super().__init__()
        self.whole, self.trunk, self.digest = whole, trunk, digest

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """No feature is used that the backbone would not give now."""
        self._follow()
        if weights_digest(self.trunk) != self.digest:
            raise ValueError(
                "Expected the frozen backbone to stay as it was when its features were computed; a callback has changed it. "
                "Train without cached features: features=None."
            )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Go on, or stop."""
        self._follow()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Go on, or stop."""
        self._follow()

    def _follow(self) -> None:
        self.model.stop_training = self.whole.stop_training
        for name, factor in self.whole.loss_factors.items():
            self.model.set_loss_factor(name, factor)


def _sees_steps(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback does something in each step; progress is content with some."""
    own = [
        name in vars(callback) or getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name)
        for name in STEP_EVENTS
    ]
    return any(own) and not isinstance(callback, Progress)


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
