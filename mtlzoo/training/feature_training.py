"""Train the heads on features that are computed once, while callbacks see the whole model trained on images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.data import LabelTable
from mtlzoo.data.pipeline import PipelineSettings
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.splitting import split
from mtlzoo.training.callbacks import Progress
from mtlzoo.training.checksums import weights_digest
from mtlzoo.training.feature_cache import FeatureCache
from mtlzoo.training.features import count_bytes, feature_dataset, get_features, is_fixed
from mtlzoo.training.resuming import TrainingState
from mtlzoo.training.rows import Rows
from mtlzoo.training.stages import Stage

if TYPE_CHECKING:
    import tensorflow as tf

STEPS = 16  # that run without calling back
STEP_EVENTS = [f"on_{kind}_{end}" for kind in ("batch", "train_batch", "test_batch") for end in ("begin", "end")]


@dataclass(frozen=True)
class FitInputs:
    """What a stage's `model.fit` is called with.

    Attributes:
        model: The model that is trained.
        train: The batches that it is trained on.
        validation: The batches that it is validated on; `None` for none.
        callbacks: The callbacks, in their order.
    """

    model: MultiTaskModel
    train: tf.data.Dataset
    validation: tf.data.Dataset | None
    callbacks: list[keras.callbacks.Callback]


@dataclass(frozen=True)
class Views:
    """A table whose features are cached.

    Attributes:
        table: The rows.
        settings: How they become batches.
        count: How many augmented views of each image are cached.
    """

    table: LabelTable
    settings: PipelineSettings
    count: int


def train_on_features(
    inputs: FitInputs, stage: Stage, rows: Sequence[Rows], cache: FeatureCache | None, verbose: bool
) -> FitInputs:
    """The same inputs on cached features, where these make no difference or are asked for; otherwise as they are.

    The heads get a model of their own, from the last tensor that all of them share. It has the whole model's layers,
    weights and optimizer, and the callbacks see the whole model.

    Args:
        inputs: With the whole model, compiled.
        stage: What is trained.
        rows: The training rows, and the validation rows if there are any.
        cache: How features are kept; `None` for not at all.
        verbose: Whether to print what is cached.
    """
    views = _views(stage, rows, cache)
    if cache is None or not views:
        return inputs
    parts = split(inputs.model)
    if not is_fixed(parts.trunk) or not _have_room(parts.trunk, views, cache, stage.epochs if verbose else None):
        return inputs
    before = weights_digest(parts.trunk)
    datasets = [
        feature_dataset(
            each.table,
            get_features(
                parts.trunk, each.table, each.settings, each.count, cache.folder, "Features" if verbose else ""
            ),
            each.settings,
        )
        for each in views
    ]
    whole = inputs.model
    heads_model = MultiTaskModel(
        parts.heads.input, parts.heads.output, name=whole.name, heads=whole.heads, resize=whole.resize
    )
    whole.optimizer.build(whole.trainable_variables)  # in the order in which its files have them
    # A step on features is so short that half of it is Python between the steps. A callback that asks for each sees each.
    seen = any(_sees_steps(callback) for callback in inputs.callbacks)
    how: dict[str, Any] = {"label_smoothing": whole.label_smoothing, "jit_compile": whole.jit_compile}
    heads_model.compile(whole.optimizer, steps_per_execution=1 if seen else STEPS, **how)
    heads_model.balance_like(whole)
    callbacks = [_ShowWhole(whole, inputs.callbacks), *inputs.callbacks, _Follow(whole, parts.trunk, before)]
    return FitInputs(heads_model, datasets[0], datasets[1] if len(datasets) > 1 else None, callbacks)


def _views(stage: Stage, rows: Sequence[Rows], cache: FeatureCache | None) -> list[Views]:
    """The views of each table that are worth caching in a stage, as far as the arguments tell; empty for none."""
    if cache is None or stage.trainable != "heads" or rows[0].settings.mix is not None:
        return []  # the features of a mixed image are not those of two images mixed
    augmented = bool(rows[0].settings.augment)
    if augmented and cache.views is None:
        return []
    count = min(cache.views, stage.epochs) if augmented and cache.views is not None else 1
    if stage.epochs == count and cache.folder is None:
        return []  # each would be used once
    views = [
        Views(each.table, each.settings, number)
        for each, number in zip(rows, (count, 1))
        if each.table is not None  # a dataset of the caller's own may be another in each epoch
    ]
    return views if len(views) == len(rows) else []


def _have_room(trunk: keras.Model, views: Sequence[Views], cache: FeatureCache, epochs: int | None) -> bool:
    """Whether the features take no more than they may; printed where the number of epochs is given."""
    images = sum(len(each.table) * each.count for each in views)
    size, free = count_bytes(trunk, images), cache.free_bytes()
    if epochs is not None:
        several = f" ({views[0].count} views)" if views[0].count > 1 else ""
        outcome = f"are computed once ({_size(size)}) and used in all {epochs} epochs"
        if size > free:
            room = f"more than the {_size(free)} that they may"
            outcome = f"would take {_size(size)}, {room}: they are computed anew in every epoch"
        print(f"Features of {images:,} images{several} {outcome}", flush=True)
    return size <= free


class _ShowWhole(keras.callbacks.Callback):
    """Comes first, and gives the other callbacks the whole model, to read, to save and to change."""

    def __init__(self, whole: MultiTaskModel, others: Sequence[keras.callbacks.Callback]):
        super().__init__()
        self.whole, self.others = whole, others

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Set the whole model: Keras has just set that of the heads."""
        self.whole.stop_training = False
        for callback in self.others:
            callback.set_model(self.whole)


class _Follow(keras.callbacks.Callback):
    """Comes last, and does to the heads' model what the other callbacks did to the whole one."""

    async_safe = True  # it does not keep Keras from going on with the next step

    def __init__(self, whole: MultiTaskModel, trunk: keras.Model, digest: bytes):
        super().__init__()
        self.whole, self.trunk, self.digest = whole, trunk, digest

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check that the backbone would still give these features."""
        self._follow()
        if weights_digest(self.trunk) != self.digest:
            raise ValueError(
                "Expected the frozen backbone to stay as it was when its features were computed; a callback has changed it. "
                "Train without cached features: features=None."
            )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Take over whether to stop, and the loss factors."""
        self._follow()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take over whether to stop, and the loss factors."""
        self._follow()

    def _follow(self) -> None:
        self.model.stop_training = self.whole.stop_training
        for name, factor in self.whole.loss_factors.items():
            self.model.set_loss_factor(name, factor)


def _sees_steps(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback does something in each step; progress and what saves the state do so now and then."""
    own = [
        name in vars(callback) or getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name)
        for name in STEP_EVENTS
    ]
    return any(own) and not isinstance(callback, Progress | TrainingState)


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
